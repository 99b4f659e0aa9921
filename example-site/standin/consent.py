"""The pages on which a person lets the client in, or does not."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from standin.exporter import ENVIRONMENT_IDS
from standin.messages import Answer
from standin.oauth import APP_ID, CUSTOM_SCOPE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standin.oauth import OAuthService

NAMESPACES = frozenset(f"{APP_ID}.{environment_id}" for environment_id in ENVIRONMENT_IDS)
HTML = "text/html; charset=utf-8"

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { background: #f7f8f9; color: #172b4d; font: 16px/1.5 system-ui, sans-serif; margin: 0 }
main { background: #fff; border-radius: 8px; box-shadow: 0 1px 4px #091e4240;
  margin: 10vh auto; max-width: 26rem; padding: 2rem }
h1 { font-size: 1.25rem; margin-top: 0 }
button { border: 0; border-radius: 4px; cursor: pointer; font: inherit; padding: .5rem 1.25rem }
#accept { background: #0c66e4; color: #fff }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")

_FORM = Template("""\
<p>It wants to:</p>
<ul>
$scopes
</ul>
<form method="post" action="/authorize">
$fields
<button id="accept" name="decision" value="accept">Accept</button>
<button id="deny" name="decision" value="deny">Deny</button>
</form>""")


def show_consent(oauth: OAuthService, fields: Mapping[str, str]) -> Answer:
    """Return the consent page for an authorization request."""
    problem = _find_problem(oauth, fields)
    if problem:
        return _refuse(problem)
    scopes = "\n".join(f"<li><code>{escape(scope)}</code></li>" for scope in _scopes(fields))
    inputs = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
        if name != "decision"
    )
    form = _FORM.substitute(scopes=scopes, fields=inputs)
    return _page(200, f"{oauth.app_name} asks for access to Confluence", form)


def decide_consent(oauth: OAuthService, fields: Mapping[str, str]) -> Answer:
    """Send the browser back to the client with a code, or with a refusal."""
    problem = _find_problem(oauth, fields)
    if problem:
        return _refuse(problem)
    if fields.get("decision") == "accept":
        code = oauth.issue_code(_scopes(fields), fields["redirect_uri"], fields.get("sns", ""))
        result = {"code": code}
    else:
        denied = "User did not authorize the request"
        result = {"error": "access_denied", "error_description": denied}
    if "state" in fields:
        result["state"] = fields["state"]
    location = f"{fields['redirect_uri']}?{urlencode(result)}"
    return Answer(302, headers={"Location": location})


def _find_problem(oauth: OAuthService, fields: Mapping[str, str]) -> str | None:
    expected = {
        "audience": "api.atlassian.com",
        "client_id": oauth.client_id,
        "response_type": "code",
        "redirect_uri": oauth.callback,
    }
    for name, value in expected.items():
        if fields.get(name) != value:
            return f"{name} is {fields.get(name, 'missing')!r}, expected {value!r}"
    return None if fields.get("scope", "").split() else "scope is missing"


def _scopes(fields: Mapping[str, str]) -> list[str]:
    # Without the app's namespace Atlassian drops the custom scopes and says nothing.
    knows_app = fields.get("sns") in NAMESPACES
    scopes = dict.fromkeys(fields["scope"].split())
    return [scope for scope in scopes if knows_app or not scope.endswith(CUSTOM_SCOPE_SUFFIX)]


def _refuse(problem: str) -> Answer:
    # Never a redirect: the address to return to is not to be trusted here.
    return _page(400, "This request cannot be authorized", f"<p>{escape(problem)}</p>")


def _page(status: int, title: str, content: str) -> Answer:
    text = _PAGE.substitute(title=escape(title), content=content)
    return Answer(status, text.encode(), HTML, {"Cache-Control": "no-store"})
