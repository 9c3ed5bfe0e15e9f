"""Ask the edge for anything: what it serves is open or signed, and credentials stay there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.tools.edge import Behavior, Distribution
from fuzz import verifier
from fuzz.damage import NAMES
from fuzz.dice import Dice, spell
from tests.signing.cases import KEY_ID, NOW

HOST = "d1.example"
SIGNER = Signer(key_pair_id=KEY_ID, private_key=PrivateKey(verifier.KEY))
SIGNED = [
    SIGNER.sign_url(f"https://{HOST}/{each}", date_less_than=NOW + 60).partition(HOST)[2]
    for each in ("a.jpg", "private/a.jpg?versionId=1")
]
FOLDER = Policy(resource=f"https://{HOST}/private/*", date_less_than=NOW + 60)
COOKIES = "; ".join(f"{name}={value}" for name, value in SIGNER.sign_cookies(FOLDER).items())
SENT = ("response-content-disposition", "response-content-type", "versionId")
TOKENS = [
    *SIGNED,
    SIGNED[0].partition("?")[2],
    SIGNER.sign_policy(FOLDER).url(FOLDER.resource[:-1]),
]
TOKENS = [each.removeprefix(f"https://{HOST}") for each in TOKENS]
TOKENS += [f"{each}=" for each in (*NAMES, *SENT, "x")]
TOKENS += ["/", "//", "/../", "/./", "%2e%2e", "%2F", "public", "private", "/a.jpg"]
TOKENS += ["?", "&", "=", "%", "%3F", "%26", "%5C", "\\", "*", ";", "#"]
TOKENS += ["Policy", "%50olicy=", f"Key-Pair-Id={KEY_ID}", "Hash-Algorithm=SHA256", "+", "é", " "]
reached: list[WSGIEnvironment] = []


def origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Note what reaches the origin."""
    reached.append(environ)
    start_response("200 OK", [])
    return [b"file"]


DISTRIBUTION = Distribution(
    domain_names=(HOST,),
    behaviors=(Behavior(path_pattern="public/*"), Behavior(trusted_key_groups=("group",))),
    key_groups={"group": {KEY_ID: SIGNER.private_key.public_key}},
    origin=origin,
    clock=lambda: NOW,
)


def check(data: bytes) -> None:
    """Fail if a private file is served without a signature, or its query is another one."""
    dice = Dice(data[:2])
    target = "/" + spell(data[2:], TOKENS)
    cookies = dice.choice([{}, {}, dict(each.split("=", 1) for each in COOKIES.split("; "))])
    environ: dict[str, Any] = {
        "REQUEST_METHOD": dice.choice(["GET", "GET", "HEAD", "OPTIONS"]),
        "HTTP_HOST": HOST,
        "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "wsgi.url_scheme": "https",
        "RAW_URI": target,
        "REMOTE_ADDR": verifier.VIEWER,
    }
    reached.clear()
    statuses: list[str] = []
    list(DISTRIBUTION(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert statuses[0][:3] in ("200", "400", "403", "405", "413", "414"), statuses
    assert (statuses[0] == "200 OK") is bool(reached)
    if reached:
        path, _, query = target.partition("?")
        is_open = is_public(path)
        assert is_open or verifier.allows(f"https://{HOST}{target}", cookies), target
        got = reached[0]
        assert got["RAW_URI"].partition("?")[::2] == (path, got["QUERY_STRING"])
        sent = [each for each in query.split("&") if unquote(each.partition("=")[0]) in SENT]
        assert got["QUERY_STRING"] == "&".join(sent)
        assert "HTTP_COOKIE" not in got


def is_public(path: str) -> bool:
    """Return whether a path is in the folder that is open, however it is read."""
    path = unquote(path)
    folder = "/" if path.endswith(("/", "/.", "/..")) else ""
    return (posixpath.normpath(path) + folder).lstrip("/").startswith("public/")
