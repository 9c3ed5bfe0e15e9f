"""Verify requests of any policy, really signed: what is allowed, a second reading allows.

The second reading shares no code with the package: cryptography, json and AWS's pages.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from cfsigned_django.signing.exceptions import Denied
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.verifier import Verifier, read_claim
from fuzz.damage import NAMES, mutate, mutate_cookies
from fuzz.dice import Dice
from tests.signing.cases import KEY_ID, NOW

KEY = ec.generate_private_key(ec.SECP256R1())
VERIFIER = Verifier({KEY_ID: PublicKey(KEY.public_key())})
VIEWER = "10.1.2.3"
HASHES = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}  # noqa: S303 - CloudFront's other hash

STARTS = ["https://d1.example/", "https://D1.example/", "http://d1.example/"]
STARTS += ["https://evil.example/"]
STARTS += ["https://d1.example", "https://d1.example:443/", "*://d1.example/", "http*://*/", "*"]
PIECES = ["a", "albums/42/", "b.jpg", "/", ".", "..", "/../", "%2e%2e/", "%2F", "%5C", "\\"]
PIECES += ["?", "*"]
PIECES += ["x=1", "&", "=", "%41", "%", "+", "~", "é", "|", "{", "#", "Expires=1", "", "", "\\?"]
TIMES: list[Any] = [NOW + 1, NOW, NOW - 1, NOW - 9, 2**33, 2**34, 0, -1, True, 1e10, "1", None]
RANGES = ["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "10.1.2.4", "0.0.0.0/0", "::/0", "10.1.2.3/33"]
CONDITIONS = ["DateGreaterThan", "IpAddress", "DateLessThan", "IpAddresses"]
KEYS = {"IpAddress": "AWS:SourceIp"}


def check(data: bytes) -> None:
    """Fail if a request is allowed that must not be, or if anything but a refusal is raised."""
    dice = Dice(data)
    url = dice.choice(STARTS[:6]) + "".join(dice.choices(PIECES, k=dice.randrange(8)))
    values = credentials(dice, url)
    cookies: dict[str, str] = {}
    if dice.random() < 0.3:
        cookies = {f"CloudFront-{name}": value for name, value in values.items()}
        cookies = mutate_cookies(cookies, dice) if dice.random() < 0.3 else cookies
    else:
        url += ("&" if "?" in url else "?") + "&".join(f"{n}={v}" for n, v in values.items())
    url = mutate(url, dice) if dice.random() < 0.3 else url
    with contextlib.suppress(Denied):
        read_claim(url)
    try:
        VERIFIER.verify(url, cookies, now=NOW, viewer_ip=VIEWER)
    except Denied as denied:
        assert denied.reason
    else:
        assert allows(url, cookies), f"allowed: {url!r} {cookies}"


def credentials(dice: Dice, url: str) -> dict[str, str]:
    """Return a signature of a random policy that may cover the URL, and what belongs to it."""
    name, kind = dice.choice([*HASHES.items()] * 2)
    if dice.random() < 0.2:
        until = dice.choice(TIMES)
        statement = f'"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}'
        policy, sent = f'{{"Statement":[{{{statement}}}]}}', {"Expires": str(until)}
    else:
        resource = dice.choice([url, "".join(dice.choices(PIECES, k=3))])
        at = dice.randrange(len(resource) + 1)
        resource = dice.choice(
            [
                resource,
                resource[:at] + "*",
                resource.partition("..")[0] + "*",
                resource[:at] + "*" + resource[at + dice.randrange(9) :],
            ]
        )
        resource = dice.choice([resource, dice.choice(STARTS) + resource.partition("//")[2][11:]])
        policy = document(dice, resource)
        policy = mutate(policy, dice) if dice.random() < 0.1 else policy
        sent = {"Policy": encode(policy.encode("utf-8", "replace"))}
    signature = KEY.sign(policy.encode("utf-8", "replace"), ec.ECDSA(kind))
    sent |= {"Signature": encode(signature), "Key-Pair-Id": KEY_ID}
    return sent if name == "SHA1" and dice.random() < 0.5 else {**sent, "Hash-Algorithm": name}


def document(dice: Dice, resource: str) -> str:
    """Return a policy as a signer may write it."""
    chosen = ["DateLessThan", *dice.sample(CONDITIONS, dice.choice([0, 0, 1, 2]))]
    condition = {
        each: {
            KEYS.get(each, "AWS:EpochTime"): dice.choice(
                RANGES if each == "IpAddress" else TIMES if dice.random() < 0.4 else TIMES[:1]
            )
        }
        for each in chosen
    }
    if "DateGreaterThan" in condition and dice.random() < 0.7:
        condition["DateGreaterThan"] = {"AWS:EpochTime": NOW - 9}
    statement = {"Resource": resource, "Condition": condition}
    if dice.random() < 0.05:
        del statement["Resource"]
    text = json.dumps({"Statement": [statement]}, ensure_ascii=dice.random() < 0.5)
    text = text.replace('{"AWS', '{"AWS:EpochTime": 1, "AWS') if dice.random() < 0.05 else text
    return text.replace("\\\\?", "\\?") if dice.random() < 0.5 else text


def encode(data: bytes) -> str:
    """Return CloudFront's base64."""
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


# The second reading


def allows(
    url: str,
    cookies: Mapping[str, str],
    keys: Mapping[str, Any] | None = None,
    now: int = NOW,
    viewer: str = VIEWER,
) -> bool:
    """Return whether the pages of AWS allow the request, by one of the keys."""
    keys = {KEY_ID: KEY.public_key()} if keys is None else keys
    address, _, query = url.partition("?")
    segments = query.split("&")
    ours = [each for each in segments if each.partition("=")[0] in NAMES]
    values = {each.partition("=")[0]: unquote(each.partition("=")[2]) for each in ours}
    is_cookie = not values
    if not is_cookie:
        rest = "&".join(each for each in segments if each not in ours)
        url = f"{address}?{rest}" if rest or len(segments) > len(ours) else address
    else:
        values = {name.removeprefix("CloudFront-"): value for name, value in cookies.items()}
    if not {"Signature", "Key-Pair-Id"} <= values.keys() or not {"Policy", "Expires"} & {*values}:
        return False
    if "Policy" in values:
        message = decode(values["Policy"])
    else:
        origin = re.match("[^/?]*//[^/?]*", url, re.ASCII)
        lowered = origin[0].lower() + url[origin.end() :] if origin else url
        condition = f'{{"DateLessThan":{{"AWS:EpochTime":{values["Expires"]}}}}}'
        message = f'{{"Statement":[{{"Resource":"{lowered}","Condition":{condition}}}]}}'.encode()
    key = keys[values["Key-Pair-Id"]]
    digest = HASHES[values.get("Hash-Algorithm", "SHA1")]
    is_rsa = isinstance(key, rsa.RSAPublicKey)
    kind = (padding.PKCS1v15(), digest) if is_rsa else (ec.ECDSA(digest),)
    try:
        key.verify(decode(values["Signature"]), message, *kind)
    except InvalidSignature:
        return False
    policy = read(message.decode())
    return (
        policy is not None
        and policy["until"] > now > policy["since"]
        and (not is_cookie or re.match(r"https?://|\*$", policy["resource"]) is not None)
        and (policy["address"] is None or within(viewer, policy["address"]))
        and (covers(policy["resource"], url) if "Policy" in values else True)
    )


def read(text: str) -> dict[str, Any] | None:
    """Return what a policy says, and None for one that says something else, too."""
    before, question, after = text.partition("?")
    plain = before.rstrip("\\")  # "\?" was AWS's way to write the "?" that begins the query
    before = plain if len(before) - len(plain) < 3 else before
    try:
        document = json.loads(before + question + after, object_pairs_hook=once)
        (statement,) = document.pop("Statement")
        conditions = statement.pop("Condition")
        times = [
            conditions.pop(name, {"AWS:EpochTime": -1}).pop("AWS:EpochTime")
            for name in ("DateLessThan", "DateGreaterThan")
        ]
        address = conditions.pop("IpAddress", {}).pop("AWS:SourceIp", None)
        resource = statement.pop("Resource", "*")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None
    if document or statement or conditions or any(type(each) is not int for each in times):
        return None
    return {"resource": resource, "until": times[0], "since": times[1], "address": address}


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON in which no key is repeated."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def within(viewer: str, network: str) -> bool:
    """Return whether the viewer is in the network."""
    return ipaddress.IPv4Address(viewer) in ipaddress.IPv4Network(network, strict=False)


def covers(resource: str, url: str) -> bool:
    """Return whether a resource covers a URL, and what a server may make of its dots."""
    if not resource.strip("*"):
        return True
    wanted, asked = divide(resource), divide(url)
    if wanted[2] is None:
        wanted[2], wanted[3] = ("*", "*") if wanted[1].endswith("*") else ("", wanted[3])
    if wanted[3] is None and wanted[2].endswith("*"):
        wanted[3] = "*"
    if wanted[3] is not None and not wanted[3].strip("*") and wanted[3]:
        asked[3] = asked[3] or ""
    elif (wanted[3] is None) is not (asked[3] is None):
        return False
    pairs = zip(wanted, asked, strict=True)
    if not all(is_like(one or "", other or "") for one, other in pairs):
        return False
    folder = (wanted[2] or "").partition("*")[0].rpartition("/")[0]
    if "*" not in resource or {".", ".."} & {*folder.split("/")} or {"%", "\\"} & {*folder}:
        return True
    seen = posixpath.normpath(
        "/" + re.sub("%2f|%5c|\\\\", "/", unquote(asked[2] or ""), flags=re.I)
    )
    folder = posixpath.normpath(f"/{folder}").strip("/")
    return not folder or f"{seen}/".lstrip("/").startswith(f"{folder}/")


def divide(text: str) -> list[Any]:
    """Return protocol, host, path and query, the last two None if missing."""
    left, question, query = text.partition("?")
    protocol, slashes, rest = left.partition("://")
    if not slashes:
        protocol, rest = "*", left
    host, slash, path = rest.partition("/")
    return [protocol.lower(), host.lower(), path if slash else None, query if question else None]


def is_like(pattern: str, text: str) -> bool:
    """Return whether ``*`` stands for any characters, and ``?`` for one."""
    ends = {0}
    for each in pattern:
        if each == "*":
            ends = {*range(min(ends, default=len(text) + 1), len(text) + 1)}
        else:
            ends = {at + 1 for at in ends if at < len(text) and each in ("?", text[at])}
    return len(text) in ends


def decode(text: str) -> bytes:
    """Return the bytes of CloudFront's base64."""
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)
