"""Environment variables are read once; what is wrong with one is said without its secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.auth.environment import (
    ClientCredentials,
    Environment,
    RestCredentials,
    read_environment,
    read_secrets,
)
from mkdocs_confluence_md.errors import SettingError

CREDENTIALS = {
    "CONFLUENCE_MD_CLIENT_ID": "client",
    "CONFLUENCE_MD_CLIENT_SECRET": "secret",
    "CONFLUENCE_MD_REFRESH_TOKEN": "refresh",
}
OTHERS = {"PATH": "/bin", "CONFLUENCE_TOKEN": "x", "confluence_md_access_token": "x"}


def fail(**variables: str) -> str:
    """Read variables that cannot be used, and return the message."""
    with pytest.raises(SettingError) as caught:
        read_environment({f"CONFLUENCE_MD_{name}": value for name, value in variables.items()})
    return str(caught.value)


@pytest.mark.parametrize("variables", [{}, OTHERS, dict.fromkeys(CREDENTIALS, ""), {"A": " "}])
def test_without_our_variables_everything_is_as_atlassian_has_it(
    variables: dict[str, str],
) -> None:
    environment = read_environment(variables)

    assert environment.access_token == ""
    assert environment.credentials is None
    assert environment.token_file is None
    assert environment.offline is False
    assert environment.api_url == "https://api.atlassian.com"
    assert environment.auth_url == "https://auth.atlassian.com"
    assert environment.trust.find_objection("https://proxy.example.com") is not None


def test_each_variable_is_read_without_the_spaces_around_it() -> None:
    environment = read_environment(
        {name: f" {value}\n" for name, value in CREDENTIALS.items()}
        | {
            "CONFLUENCE_MD_TOKEN_FILE": " /var/lib/tokens.json\n",
            "CONFLUENCE_MD_OFFLINE": " 1\n",
            "CONFLUENCE_MD_API_URL": " https://proxy.example.com/api/\n",
            "CONFLUENCE_MD_AUTH_URL": " http://localhost:8080/\n",
        }
    )

    assert environment.credentials == ClientCredentials("client", "secret", "refresh")
    assert environment.token_file == Path("/var/lib/tokens.json")
    assert environment.offline is True
    assert environment.api_url == "https://proxy.example.com/api"
    assert environment.auth_url == "http://localhost:8080"


def test_the_access_token_wins() -> None:
    environment = read_environment(CREDENTIALS | {"CONFLUENCE_MD_ACCESS_TOKEN": "token"})

    assert environment.access_token == "token"
    assert environment.credentials is None


def test_the_client_id_alone_is_no_sign_in() -> None:
    assert read_environment({"CONFLUENCE_MD_CLIENT_ID": "client"}).credentials is None


def test_a_tilde_in_the_token_file_is_the_home_directory() -> None:
    environment = read_environment({"CONFLUENCE_MD_TOKEN_FILE": "~/tokens.json"})

    assert environment.token_file == Path.home() / "tokens.json"


def test_the_home_directory_of_nobody_is_a_clear_message() -> None:
    assert "CONFLUENCE_MD_TOKEN_FILE" in fail(TOKEN_FILE="~no-such-user/tokens.json")


@pytest.mark.parametrize(
    ("value", "offline"),
    [
        ("1", True),
        ("true", True),
        ("YES", True),
        ("on", True),
        ("0", False),
        ("false", False),
        ("No", False),
        ("off", False),
        ("", False),
    ],
)
def test_offline_is_read_in_the_usual_spellings(value: str, *, offline: bool) -> None:
    assert read_environment({"CONFLUENCE_MD_OFFLINE": value}).offline is offline


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"TRUSTED_HOSTS": "proxy.example.com"}, "https://proxy.example.com/x"),
        ({"TRUSTED_HOSTS": "Proxy.Example.com"}, "https://proxy.example.com:8443/x"),
        ({"TRUSTED_HOSTS": " a.example , proxy.example.com:8443,"}, "https://a.example/x"),
        ({"TRUSTED_HOSTS": "a.example,b.example:8443"}, "https://b.example:8443/x"),
        ({"TRUSTED_HOSTS": "a.example:443"}, "https://a.example/x"),
        ({"TRUSTED_HOSTS": "[2001:db8::1]"}, "https://[2001:db8::1]:8443/x"),
        ({"TRUSTED_HOSTS": "[2001:DB8::1]:8443"}, "https://[2001:db8::1]:8443/x"),
        ({"API_URL": "https://proxy.example.com/api"}, "https://proxy.example.com/api/x"),
        ({"API_URL": "https://Proxy.Example.com:8443"}, "https://proxy.example.com:8443/x"),
        ({"API_URL": "https://[2001:db8::1]:8443"}, "https://[2001:db8::1]:8443/x"),
        ({"AUTH_URL": "https://auth.example.com"}, "https://auth.example.com/oauth/token"),
        ({"API_URL": "http://localhost:8080"}, "http://localhost:8080/x"),
        # The defaults stay trusted where they are replaced.
        ({"API_URL": "https://proxy.example.com"}, "https://api.atlassian.com/x"),
    ],
)
def test_what_the_environment_names_may_receive_a_token(
    variables: dict[str, str], url: str
) -> None:
    environment = read_environment(
        {f"CONFLUENCE_MD_{name}": value for name, value in variables.items()}
    )

    assert environment.trust.find_objection(url) is None


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"TRUSTED_HOSTS": "proxy.example.com"}, "https://evil.example/"),
        ({"TRUSTED_HOSTS": "proxy.example.com"}, "http://proxy.example.com/"),
        ({"TRUSTED_HOSTS": "proxy.example.com:8443"}, "https://proxy.example.com/"),
        ({"TRUSTED_HOSTS": "example.com"}, "https://proxy.example.com/"),
        ({"API_URL": "https://proxy.example.com:8443"}, "https://proxy.example.com/"),
        ({"API_URL": "http://proxy.example.com"}, "http://proxy.example.com/"),
    ],
)
def test_what_it_does_not_name_may_not(variables: dict[str, str], url: str) -> None:
    environment = read_environment(
        {f"CONFLUENCE_MD_{name}": value for name, value in variables.items()}
    )

    assert environment.trust.find_objection(url)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"REFRESH_TOKEN": "r"},
            "CONFLUENCE_MD_REFRESH_TOKEN is set without CONFLUENCE_MD_CLIENT_ID and "
            "CONFLUENCE_MD_CLIENT_SECRET. Set all three "
            "variables; or remove CONFLUENCE_MD_REFRESH_TOKEN, and sign in with "
            "`confluence-md login`.",
        ),
        (
            {"CLIENT_ID": "c", "REFRESH_TOKEN": "r", "CLIENT_SECRET": " "},
            "CONFLUENCE_MD_REFRESH_TOKEN is set without CONFLUENCE_MD_CLIENT_SECRET. Set all three "
            "variables; or remove CONFLUENCE_MD_REFRESH_TOKEN, and sign in with "
            "`confluence-md login`.",
        ),
        (
            {"ACCESS_TOKEN": "two words"},
            "CONFLUENCE_MD_ACCESS_TOKEN contains spaces, line breaks or characters that no token "
            "has. Copy the value again.",
        ),
        (
            {"CLIENT_ID": "c", "CLIENT_SECRET": "s", "REFRESH_TOKEN": "one\ntwo"},
            "CONFLUENCE_MD_REFRESH_TOKEN contains spaces, line breaks or characters that no token "
            "has. Copy the value again.",
        ),
        (
            {"TRUSTED_HOSTS": "a.example,https://b.example"},
            "Entry 2 of CONFLUENCE_MD_TRUSTED_HOSTS is not a host name. "
            "Write host names separated by commas, without https:// and without paths.",
        ),
        (
            {"TRUSTED_HOSTS": "a.example/path"},
            "Entry 1 of CONFLUENCE_MD_TRUSTED_HOSTS is not a host name. "
            "Write host names separated by commas, without https:// and without paths.",
        ),
        (
            {"API_URL": "proxy.example.com"},
            "CONFLUENCE_MD_API_URL is not a valid URL. "
            "Write a scheme and a host, and no password: https://proxy.example.com.",
        ),
        (
            {"AUTH_URL": "https://proxy.example.com:port"},
            "CONFLUENCE_MD_AUTH_URL is not a valid URL. "
            "Write a scheme and a host, and no password: https://proxy.example.com.",
        ),
        (
            {"API_URL": "https://me:hush@proxy.example.com"},
            "CONFLUENCE_MD_API_URL is not a valid URL. "
            "Write a scheme and a host, and no password: https://proxy.example.com.",
        ),
        (
            {"OFFLINE": "perhaps"},
            "CONFLUENCE_MD_OFFLINE is 'perhaps', which is neither 1 nor 0. Write 1 or 0.",
        ),
    ],
)
def test_a_message_names_the_variable_and_the_remedy(
    variables: dict[str, str], message: str
) -> None:
    assert fail(**variables) == message


@pytest.mark.parametrize("host", ["*.example.com", "a b", "a@b.example", "a:port", "[::1", "::1"])
def test_what_is_no_host_name_is_not_trusted(host: str) -> None:
    message = fail(TRUSTED_HOSTS=f"good.example,{host}")

    assert message.startswith("Entry 2 of CONFLUENCE_MD_TRUSTED_HOSTS is not a host name.")
    assert host not in message


@pytest.mark.parametrize("url", ["htps://me:hush@proxy.example.com", "https://me:hush@proxy:port"])
def test_a_password_in_an_address_is_not_shown(url: str) -> None:
    assert "hush" not in fail(API_URL=url)


# Recognisable, so that a value found in a message is no accident.
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).map(
    lambda text: f"hush{text}hush"
)


@given(
    st.dictionaries(
        st.sampled_from(["ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"]), SECRETS
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "OFFLINE": st.sampled_from(["1", "perhaps"]),
            "API_URL": st.sampled_from(["https://proxy.example.com", "proxy"]),
            "TRUSTED_HOSTS": st.sampled_from(["a.example", "https://a.example"]),
        },
    ),
)
def test_no_secret_is_ever_shown(secrets: dict[str, str], others: dict[str, str]) -> None:
    public = "" if "CLIENT_ID" not in secrets else secrets["CLIENT_ID"].strip()
    try:
        shown = repr(
            read_environment(
                {f"CONFLUENCE_MD_{name}": value for name, value in (secrets | others).items()}
            )
        )
    except SettingError as error:
        shown = f"{error} {error!r}"
    else:
        shown = shown.replace(repr(public), "")

    assert "hush" not in shown


def test_the_defaults_are_those_of_an_empty_environment() -> None:
    environment = read_environment({})

    assert environment.access_token == Environment().access_token
    assert environment.api_url == Environment().api_url
    assert environment.auth_url == Environment().auth_url


@pytest.mark.parametrize("value", ["/", ".", "~no-such-user/tokens.json", "a\x01b"])
def test_a_token_file_that_is_none_is_named(value: str) -> None:
    with pytest.raises(SettingError, match=r"^CONFLUENCE_MD_TOKEN_FILE is "):
        read_environment({"CONFLUENCE_MD_TOKEN_FILE": value})


def test_a_relative_token_file_is_the_same_from_everywhere() -> None:
    path = read_environment({"CONFLUENCE_MD_TOKEN_FILE": "tokens.json"}).token_file

    assert path == Path("tokens.json").absolute()


def test_an_accounts_email_and_api_token_are_read_together() -> None:
    variables = {"CONFLUENCE_MD_EMAIL": "jane@example.com", "CONFLUENCE_MD_API_TOKEN": "ATATT3x"}
    environment = read_environment(variables)

    assert environment.rest_credentials == RestCredentials("jane@example.com", "ATATT3x")
    assert "jane" not in repr(environment)
    assert "ATATT" not in repr(environment)
    assert read_environment({}).rest_credentials is None


def test_an_account_without_a_token_names_what_is_missing() -> None:
    assert fail(EMAIL="s3cret") == (
        "CONFLUENCE_MD_EMAIL is set without CONFLUENCE_MD_API_TOKEN. "
        "Set both variables, or neither of them."
    )
    assert "s3cret" not in fail(EMAIL="s3 cret")


def test_a_token_without_an_account_is_that_of_a_service_account() -> None:
    credentials = read_environment({"CONFLUENCE_MD_API_TOKEN": "s3cret"}).rest_credentials

    assert credentials == RestCredentials("", "s3cret")


STORE = {"CONFLUENCE_MD_CLIENT_SECRET": "hush-hush"}


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6379/",
        "rediss://user:p%40ss@cache.example.com:6380/3?ssl_ca_certs=/etc/ca.pem",
        "redis://[::1]:6379/0",
    ],
)
def test_the_url_of_a_server_that_machines_share(url: str) -> None:
    environment = read_environment({**STORE, "CONFLUENCE_MD_STORE": url})

    assert environment.store_url == url
    assert url not in repr(environment)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379", "https://cache.example.com", "redis://:6379", "redis://host:0",
        "redis://host:port", "redis://:pass word@host", "redis://user:pa#ss@host",
        "redis://host/database", "redis://user:pa/ss@host", "redis://[::1", "redis://host#x",
        "unix:///run/redis.sock",
    ],
)  # fmt: skip
def test_another_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingError, match=r"CONFLUENCE_MD_STORE is not the URL of a") as caught:
        read_environment({**STORE, "CONFLUENCE_MD_STORE": url})

    assert url not in str(caught.value)


@pytest.mark.parametrize("name", ["ssl_cert_reqs", "socket_timeout", "decode_responses", "x"])
def test_a_parameter_of_a_servers_url_that_is_not_taken_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"CONFLUENCE_MD_STORE has a parameter that is not one"):
        read_environment({**STORE, "CONFLUENCE_MD_STORE": f"redis://host?{name}="})


def test_settings_of_tls_need_tls() -> None:
    with pytest.raises(SettingError, match=r"with a parameter for TLS.*Write rediss://"):
        read_environment({**STORE, "CONFLUENCE_MD_STORE": "redis://host?ssl_ca_certs=/ca.pem"})


def test_a_server_needs_the_secret_that_seals_what_is_in_it() -> None:
    with pytest.raises(SettingError, match="CONFLUENCE_MD_STORE is set without CONFLUENCE_MD_CLI"):
        read_environment({"CONFLUENCE_MD_STORE": "redis://localhost"})


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("redis://localhost:6379", {}),
        ("redis://user:p%40ssword@localhost", {"CONFLUENCE_MD_STORE": "p@ssword"}),
        ("redis://[broken", {"CONFLUENCE_MD_STORE": "redis://[broken"}),
    ],
)
def test_of_a_servers_url_only_the_password_is_a_secret(url: str, secrets: dict[str, str]) -> None:
    assert read_secrets({"CONFLUENCE_MD_STORE": url}) == secrets


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("1", True), ("", False), ("false", False)]
)
def test_a_job_of_ci_is_known_by_its_variable(value: str, expected: bool) -> None:  # noqa: FBT001  a table
    assert read_environment({"CI": value}).is_ci is expected
