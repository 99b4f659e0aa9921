"""The token file: several sites, several owners, and disks that are in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from disks import fill, mount
from mkdocs_confluence_md.auth.environment import ClientCredentials, read_environment
from mkdocs_confluence_md.auth.sign_ins import EnvironmentChain, login_key
from mkdocs_confluence_md.auth.token_refresh import make_login_auth
from mkdocs_confluence_md.auth.token_store import (
    KeyringVault,
    ReplaceableFile,
    SignIn,
    TokenStore,
    find_vault,
)
from mkdocs_confluence_md.errors import SealError, TokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn

NOBODY = 65534
JANE = SignIn("client", "jane-refresh", "jane-access", "jane-secret", site="https://acme.example")


def open_store(path: Path) -> TokenStore:
    return TokenStore(path, find_vault=lambda: None)


def save(store: TokenStore, key: str, sign_in: SignIn) -> None:
    with store.locked():
        store.save(key, sign_in)


def test_several_sites_stand_side_by_side_and_one_can_be_removed(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens.json")
    save(store, "one", JANE)
    save(store, "two", replace(JANE, refresh_token="other"))
    save(store, "one", replace(JANE, access_token="newer"))

    loaded = {key: open_store(store.path).load(key) for key in ("one", "two", "three")}

    assert loaded == {
        "one": replace(JANE, access_token="newer"),
        "two": replace(JANE, refresh_token="other"),
        "three": None,
    }
    with store.locked():
        store.remove("one")
    assert store.list_keys() == ["two"]


def test_nothing_is_left_beside_the_file_but_its_lock(tmp_path: Path) -> None:
    store = open_store(tmp_path / "config" / "tokens.json")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tokens.json.new-left-by-a-crash").write_text("secret")
    with store.locked():
        pass
    save(store, "one", JANE)

    assert {path.name for path in store.path.parent.iterdir()} <= {
        "tokens.json",
        "tokens.json.lock",
    }
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert json.loads(store.path.read_text())["sign_ins"]["one"]["site"] == "https://acme.example"


@pytest.mark.parametrize(
    "sign_ins",
    [
        {"one": []}, {"one": {"unknown": 1}}, {"one": {}}, [], "text", None,
        *({"one": {**asdict(JANE), "expires_at": time}} for time in (1e999, -1e12, 1e15, "1")),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_damaged_and_not_overwritten(
    tmp_path: Path, sign_ins: object
) -> None:
    store = open_store(tmp_path / "tokens.json")
    text = json.dumps({"version": 1, "sign_ins": sign_ins})
    store.path.write_text(text)

    with pytest.raises(TokenFileError, match="is damaged, or was written by a newer version"):
        store.load("one")
    assert store.path.read_text() == text


def test_another_chain_that_is_damaged_does_not_keep_one_from_being_saved(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens.json")
    key = "environment https://auth.example other"
    entries = {key: {**asdict(JANE), "refreshed_at": "once"}}
    store.path.write_text(json.dumps({"version": 1, "sign_ins": entries}))
    variables = {"CLIENT_ID": "client", "CLIENT_SECRET": "secret", "REFRESH_TOKEN": "refresh"}
    environment = read_environment({f"CONFLUENCE_MD_{name}": variables[name] for name in variables})
    assert environment.credentials
    chain = EnvironmentChain(environment.credentials, store, "https://auth.example")

    with store.locked():
        chain.save(JANE, replaces=JANE)

    assert chain.load() == replace(JANE, client_secret="secret")
    assert key in store.list_keys()


def run_as_nobody(code: str, *arguments: str) -> str:
    """Run code in a process that has lost root's rights over files; return what it printed."""
    script = "\n".join(
        [
            "import os, sys",
            "from pathlib import Path",
            "from mkdocs_confluence_md.errors import TokenFileError",
            "from mkdocs_confluence_md.auth.token_store import SignIn, TokenStore",
            # What Python imports only when it is needed, that user may not be able to read.
            "import encodings.ascii, filelock",
            f"os.geteuid() or os.seteuid({NOBODY})",
            "store = TokenStore(Path(sys.argv[1]), find_vault=lambda: None)",
            "try:",
            textwrap.indent(textwrap.dedent(code), "    "),
            "except TokenFileError as error:",
            "    print(error)",
        ]
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return finished.stdout.strip()


@pytest.fixture
def public_path(tmp_path: Path) -> Path:
    """Return a directory that other users can reach."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.owner() == tmp_path.owner() and directory.name.startswith(("pytest", "popen")):
            directory.chmod(0o755)
    tmp_path.chmod(0o755)
    return tmp_path


def test_another_users_file_is_reported_and_left_alone(public_path: Path) -> None:
    path = public_path / "tokens.json"
    path.write_text("{}")
    path.chmod(0o000 if os.geteuid() else 0o600)

    said = run_as_nobody("store.load('one')", str(path))

    assert said == (
        f"The token file {path} cannot be read: Permission denied. Set "
        "CONFLUENCE_MD_TOKEN_FILE to the path of a file that you may write."
    )


def test_a_read_only_directory_is_found_before_a_token_is_asked_for(public_path: Path) -> None:
    directory = public_path / "read-only"
    directory.mkdir(mode=0o555)
    path = directory / "tokens.json"

    said = run_as_nobody("with store.locked(): print('asking')", str(path))

    assert said == (
        f"The token file {path} cannot be locked: Permission denied. Set "
        "CONFLUENCE_MD_TOKEN_FILE to the path of a file that you may write."
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 kB."""
    with mount(tmp_path / "disk", kilobytes=64) as disk:
        yield disk


def test_a_full_disk_is_found_before_a_token_is_asked_for(
    standin: StandIn, small_disk: Path
) -> None:
    path = small_disk / "tokens.json"
    seed = standin.oauth.issue_refresh_token()
    sign_in = replace(JANE, refresh_token=seed, auth_url=standin.url, site=standin.url,
                      client_id=standin.client_id, client_secret=standin.client_secret)  # fmt: skip
    save(open_store(path), login_key(standin.url), replace(sign_in, access_token=""))
    fill(small_disk)
    auth = make_login_auth(open_store(path), read_environment({}), site=standin.url)

    with pytest.raises(TokenFileError, match=r"cannot be written: No space left on device\."):
        ask(standin, auth)

    assert standin.requests == []
    (small_disk / "filler").unlink()
    assert ask(standin, auth) == 404
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_the_room_for_the_new_token_is_there_when_the_disk_fills_up_meanwhile(
    small_disk: Path,
) -> None:
    store = open_store(small_disk / "tokens.json")
    save(store, "one", JANE)

    with store.locked():
        fill(small_disk)
        store.save("one", replace(JANE, refresh_token="rotated"))

    loaded = store.load("one")
    assert loaded is not None
    assert loaded.refresh_token == "rotated"


def ask(standin: StandIn, auth: object) -> int:
    """Make a request that needs a token."""
    import httpx  # noqa: PLC0415

    assert isinstance(auth, httpx.Auth)
    with httpx.Client(auth=auth) as client:
        return client.get(f"{standin.url}/anything").status_code


class MemoryKeyring(KeyringBackend):
    """A system's keyring, as far as the package keyring can tell."""

    priority = 1
    items: ClassVar[dict[tuple[str, str], str]] = {}
    locked = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringError("The keyring is locked")
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.items.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def system_keyring() -> Iterator[MemoryKeyring]:
    """Let the package keyring find a keyring."""
    before = keyring.get_keyring()
    backend = MemoryKeyring()  # type: ignore[no-untyped-call]  # keyring has no types there
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)
    MemoryKeyring.items.clear()


@pytest.mark.usefixtures("system_keyring")
def test_with_a_keyring_the_file_has_no_secret(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    long = replace(JANE, access_token="a" * 5000)
    save(store, "one", long)
    text = store.path.read_text()

    assert isinstance(find_vault(), KeyringVault)
    assert not [secret for secret in ("jane-refresh", "jane-secret", "aaaa") if secret in text]
    assert store.describe_place("one") == "keyring"
    assert TokenStore(store.path).load("one") == long
    # What the smallest of the systems' keyrings takes, in UTF-16.
    assert max(len(item) for item in MemoryKeyring.items.values()) <= 1280

    with store.locked():
        store.remove("one")
    assert MemoryKeyring.items == {}


@pytest.mark.usefixtures("system_keyring")
def test_token_files_do_not_share_secrets_of_the_same_name(tmp_path: Path) -> None:
    mine, ci = TokenStore(tmp_path / "mine.json"), TokenStore(tmp_path / "ci.json")
    save(mine, "login acme", JANE)
    save(ci, "login acme", replace(JANE, refresh_token="of-ci"))
    with ci.locked():
        ci.remove("login acme")

    assert mine.load("login acme") == JANE


@pytest.mark.usefixtures("system_keyring")
def test_old_secrets_are_forgotten(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    for number in range(5):
        save(store, "one", replace(JANE, refresh_token=f"number-{number}"))

    assert "number-4" in str(MemoryKeyring.items)
    assert "number-3" not in str(MemoryKeyring.items)
    assert len(MemoryKeyring.items) == 1


@pytest.mark.usefixtures("system_keyring")
def test_secrets_move_to_the_keyring_when_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    save(open_store(path), "one", JANE)
    store = TokenStore(path)
    loaded = store.load("one")
    assert loaded == JANE

    save(store, "one", loaded)

    assert "jane-refresh" not in path.read_text()
    assert store.load("one") == JANE


@pytest.mark.usefixtures("system_keyring")
def test_a_keyring_that_is_not_there_any_more_is_explained(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens.json")
    save(TokenStore(store.path), "login https://acme.example", JANE)
    message = (
        "The secrets of 'login https://acme.example' are in the system's keyring, which cannot "
        "be reached. Install mkdocs-confluence-md[keyring] here too, or sign in again: "
        "confluence-md login."
    )

    with pytest.raises(TokenFileError) as caught:
        store.load("login https://acme.example")
    assert str(caught.value) == message
    with pytest.raises(TokenFileError) as caught, store.locked():
        store.remove("login https://acme.example")
    assert str(caught.value) == message


def test_secrets_that_somebody_removed_from_the_keyring_are_missed(
    tmp_path: Path, system_keyring: MemoryKeyring
) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    save(store, "one", JANE)
    system_keyring.items.clear()

    with pytest.raises(TokenFileError, match="The secrets of 'one' are no longer in the system's"):
        store.load("one")


def test_a_locked_keyring_is_found_before_a_token_is_asked_for(
    tmp_path: Path, system_keyring: MemoryKeyring
) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    save(store, "one", JANE)
    system_keyring.locked = True

    with (
        pytest.raises(TokenFileError, match=r"keyring cannot be used: The keyring is locked\. Unl"),
        store.locked(),
    ):
        pytest.fail("this is where a token would be asked for")

    assert store.load("one") == JANE


def test_without_a_real_keyring_the_file_is_used() -> None:
    assert find_vault() is None


def test_a_keyring_that_cannot_be_loaded_is_explained(tmp_path: Path) -> None:
    code = "from mkdocs_confluence_md.auth.token_store import find_vault; find_vault()"
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "nope.Keyring"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "The system's keyring cannot be used: No module named 'nope'." in finished.stderr


def open_sealed(path: Path, client_secret: str = JANE.client_secret) -> TokenStore:
    return TokenStore(path, client_secret=client_secret, is_sealed=True)


def test_a_sealed_file_has_no_secret_and_only_the_client_secret_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    save(open_sealed(path), "one", JANE)
    text = path.read_text()

    assert not [
        secret for secret in ("jane-refresh", "jane-access", "jane-secret") if secret in text
    ]
    assert "https://acme.example" in text
    assert open_sealed(path).load("one") == JANE
    assert TokenStore(path, client_secret="jane-secret").load("one") == JANE
    assert open_sealed(path).read_public()["one"].keys().isdisjoint({"sealed", "refresh_token"})
    with pytest.raises(SealError, match="was sealed with another client secret"):
        open_sealed(path, "another-secret").load("one")
    with pytest.raises(SealError, match="is sealed, and CONFLUENCE_MD_CLIENT_SECRET is not set"):
        open_store(path).load("one")


def test_what_is_not_sealed_yet_is_read_and_sealed_with_the_next_save(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    save(open_store(path), "one", JANE)
    store = open_sealed(path)
    assert store.load("one") == JANE

    save(store, "one", replace(JANE, access_token="newer"))

    assert "jane-refresh" not in path.read_text()
    assert store.load("one") == replace(JANE, access_token="newer")


def test_what_is_sealed_for_one_key_cannot_be_opened_for_another(tmp_path: Path) -> None:
    store = open_sealed(tmp_path / "tokens.json")
    save(store, "one", JANE)
    content = json.loads(store.path.read_text())
    content["sign_ins"]["two"] = content["sign_ins"]["one"]
    store.path.write_text(json.dumps(content))

    with pytest.raises(SealError):
        store.load("two")


@pytest.mark.parametrize("sealed", [1, None, "é", "x", "A" * 20, ["x"]])
def test_a_damaged_seal_opens_nothing(tmp_path: Path, sealed: object) -> None:
    store = open_sealed(tmp_path / "tokens.json")
    save(store, "one", JANE)
    content = json.loads(store.path.read_text())
    content["sign_ins"]["one"]["sealed"] = sealed
    store.path.write_text(json.dumps(content))

    with pytest.raises(TokenFileError):
        store.load("one")


@pytest.mark.usefixtures("system_keyring")
def test_a_file_that_travels_leaves_nothing_in_a_keyring(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    save(TokenStore(path), "one", JANE)
    store = open_sealed(path)
    assert store.load("one") == JANE

    save(store, "one", JANE)

    assert store.describe_place("one") == str(path)
    assert open_sealed(path).load("one") == JANE
    assert MemoryKeyring.items == {}


def test_a_replaced_client_secret_begins_the_chain_of_the_environment_anew(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"

    def open_chain(secret: str) -> EnvironmentChain:
        credentials = ClientCredentials("client", secret, "seed")
        return EnvironmentChain(credentials, open_sealed(path, secret), "https://auth.example")

    before, after = open_chain("old-secret"), open_chain("new-secret")
    with before.store.locked():
        before.save(JANE, replaces=before.load())
    assert (before.find_new_start(), before.load().refresh_token) == ("", "jane-refresh")

    assert after.load().refresh_token == "seed"
    assert after.find_new_start() == (
        f"The token file {path} was sealed with another client secret. The sign-in begins anew, "
        "with CONFLUENCE_MD_REFRESH_TOKEN."
    )
    with after.store.locked():
        after.save(replace(JANE, refresh_token="newer"), replaces=after.load())
    assert (after.find_new_start(), after.load().refresh_token) == ("", "newer")


def test_a_file_that_cannot_take_its_place_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    file = ReplaceableFile(path)
    path.mkdir()  # stands in for whatever keeps a file from being replaced
    file.reserve(100)

    with pytest.raises(IsADirectoryError):
        file.replace("rotated")
    written = file.find_written()
    file.release()

    assert written is not None
    assert [*tmp_path.glob("*.new-*")] == [written]
    assert written.read_text() == "rotated"


def test_a_name_with_brackets_leaves_nothing_beside_it(tmp_path: Path) -> None:
    save(open_store(tmp_path / "tok[1].json"), "one", JANE)

    assert {path.name for path in tmp_path.iterdir()} <= {"tok[1].json", "tok[1].json.lock"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    (tmp_path / "tokens.json").symlink_to(target)
    save(open_store(tmp_path / "tokens.json"), "one", JANE)

    assert (tmp_path / "tokens.json").is_symlink()
    assert "jane-refresh" in target.read_text()


def test_the_lock_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens.json")
    with store.locked():
        assert (tmp_path / "tokens.json.lock").stat().st_mode & 0o077 == 0


def test_somebody_elses_file_beside_it_does_no_harm(public_path: Path) -> None:
    directory = public_path / "for-all"
    directory.mkdir()
    directory.chmod(0o1777)
    (directory / "tokens.json.new-of-somebody").write_text("")

    said = run_as_nobody(
        "for _ in range(2):\n    with store.locked(): print('fine')", str(directory / "tokens.json")
    )

    assert said == "fine\nfine"
