"""Ask the local edge and the emulator's data plane the same, and name each difference.

The demo's edge follows a distribution with random policies. The emulator plays it as well, by code
that shares nothing with ours. Its origin is a server here, which repeats what reaches it.

Modules: tools/model/forwarding.py, tools/model/response_headers.py
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore import xform_name

from cfsigned_django.aws.client import Clients
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.edge import EdgeServer
from cfsigned_django.tools.edge.behavior import Behavior, select_behavior
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.model.response_headers import cors_headers, overrides_origin
from demo_project.edge import distribution
from demo_project.rules import DistributionReader
from tests.ministack_server import MinistackHere
from tests.tools.account.by_hand import ALL_VIEWER, CORS_S3_ORIGIN, new_distribution_config

SEED = 39
REQUESTS = 1000
PARAMETERS = ["response-content-disposition", "response-content-type", "versionId", "size", "v"]
HEADERS = ["Origin", "Accept-Language", "X-Tenant", "Authorization", "Referer"]
COOKIES = ["theme", "session"]
SIGNED_COOKIE = "CloudFront-Policy"
APP, OTHER = "https://app.example.com", "https://other.example.org"
#: What the emulator, or the transport to its origin, adds by itself.
_ADDED = {"via", "x-amz-cf-id", "x-forwarded-for", "x-forwarded-proto", "accept-encoding", "host"}
_ANSWERED = ("access-control-", "content-security-", "referrer-", "x-content", "x-frame")

#: Where the two differ, and why ours is kept.
DIFFERENCES = {
    "AllViewer": "AWS documents that it forwards no response-* to S3; the emulator forwards them.",
    "signed cookies": "The edge keeps credentials back; AWS documents neither.",
    "override": "The edge takes S3's Access-Control-Allow-Origin away from an origin that the "
    "policy does not name; AWS documents neither.",
}


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Repeat the request, and answer an Origin as S3 does."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    body = json.dumps({"target": environ["RAW_URI"], "headers": headers}).encode()
    answered = [("Referrer-Policy", "origin"), ("X-Frame-Options", "DENY")]
    if "origin" in headers:
        answered += [("Access-Control-Allow-Origin", headers["origin"])]
    start_response("200 OK", [*answered, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


class Maker:
    """Makes random policies and requests."""

    def __init__(self, clients: Clients, seed: int) -> None:
        self._cloudfront: Any = clients.cloudfront
        self._random = Random(seed)

    def some(self, names: list[str]) -> list[str]:
        """Return some of the names, at least one."""
        return self._random.sample(names, self._random.randint(1, len(names)))

    def _choice(self, kind: str, behaviors: list[str], names: list[str]) -> Document:
        chosen = self._random.choice(behaviors)
        listed = {f"{kind}s": list_of(self.some(names))}
        is_listed = chosen in ("whitelist", "allExcept")
        return {f"{kind}Behavior": chosen, **(listed if is_listed else {})}

    def _policy(self, kind: str, config: Document) -> str:
        create = getattr(self._cloudfront, xform_name(f"Create{kind}"))
        name = f"{kind}-{self._random.getrandbits(64):x}"
        made = create(**{f"{kind}Config": {"Name": name, **config}})
        found: str = made[kind]["Id"]
        return found

    def _configs(self, headers: list[str]) -> Document:
        """Return what a policy forwards; ``headers`` are the ways in which it may choose them."""
        lists = ["none", "whitelist", "allExcept", "all"]
        return {
            "HeadersConfig": self._choice("Header", headers, HEADERS),
            "CookiesConfig": self._choice("Cookie", lists, COOKIES),
            "QueryStringsConfig": self._choice("QueryString", lists, PARAMETERS),
        }

    def cache_policy(self) -> str:
        """Make a cache policy; return its ID."""
        key = {"EnableAcceptEncodingGzip": False, **self._configs(["none", "whitelist"])}
        return self._policy(
            "CachePolicy", {"MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": key}
        )

    def origin_request_policy(self) -> str | None:
        """Make an origin request policy, or take a managed one, or none; return its ID."""
        drawn = self._random.random()
        if drawn < 0.4:
            return self._random.choice([None, ALL_VIEWER, CORS_S3_ORIGIN])
        headers = ["none", "whitelist", "allViewer", "allExcept"]
        return self._policy("OriginRequestPolicy", self._configs(headers))

    def response_headers_policy(self) -> str | None:
        """Make a response headers policy, or none; return its ID."""
        flip = self._random.random
        if flip() < 0.2:
            return None
        cors = {
            "AccessControlAllowOrigins": list_of(
                self._random.choice([["*"], [APP], ["https://*.example.com"], [APP, OTHER]])
            ),
            "AccessControlAllowHeaders": list_of(["Range"]),
            "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
            "AccessControlExposeHeaders": list_of(["ETag"]),
            "AccessControlMaxAgeSec": 60,
            "AccessControlAllowCredentials": False,
            "OriginOverride": flip() < 0.5,
        }
        security = {
            "ContentTypeOptions": {},
            "ReferrerPolicy": {"ReferrerPolicy": "no-referrer"},
            "FrameOptions": {"FrameOption": "SAMEORIGIN"},
            "ContentSecurityPolicy": {"ContentSecurityPolicy": "sandbox"},
        }
        custom = {"Header": "X-Content-Note", "Value": "ours", "Override": flip() < 0.5}
        return self._policy(
            "ResponseHeadersPolicy",
            {
                "SecurityHeadersConfig": {
                    name: {**value, "Override": flip() < 0.5} for name, value in security.items()
                },
                "CustomHeadersConfig": list_of([custom]),
                **({"CorsConfig": cors} if flip() < 0.7 else {}),
            },
        )

    def behavior(self, number: int) -> Document:
        """Return a behavior with random policies for one folder."""
        methods = self._random.choice([["GET", "HEAD"], ["GET", "HEAD", "OPTIONS"]])
        cached: Document = list_of(["GET", "HEAD"])
        policies = {
            "CachePolicyId": self.cache_policy(),
            "OriginRequestPolicyId": self.origin_request_policy(),
            "ResponseHeadersPolicyId": self.response_headers_policy(),
        }
        return {
            "PathPattern": self._random.choice(["/", ""]) + f"b{number}/*",
            "TargetOriginId": "server",
            "ViewerProtocolPolicy": "allow-all",
            "AllowedMethods": {**list_of(methods), "CachedMethods": cached},
            **{name: each for name, each in policies.items() if each},
        }

    def request(self, folders: int) -> tuple[str, str, dict[str, str]]:
        """Return method, target and headers of a request."""
        draw = self._random
        query = {name: draw.choice(["1", "a b", "한", ""]) for name in self.some(PARAMETERS)}
        target = f"/b{draw.randrange(folders + 2)}/{draw.choice(['a.jpg', 'x/b%20c.pdf'])}"
        headers = dict.fromkeys(self.some(HEADERS), "en")
        if "Origin" in headers:
            headers["Origin"] = draw.choice([APP, OTHER, "https://example.com"])
        if draw.random() < 0.5:
            signed = [SIGNED_COOKIE] if draw.random() < 0.1 else []
            headers["Cookie"] = "; ".join(f"{name}=1" for name in [*self.some(COOKIES), *signed])
        if draw.random() < 0.2:
            headers["Range"] = "bytes=0-1"
        method = draw.choice(["GET"] * 6 + ["HEAD", "OPTIONS", "OPTIONS", "POST"])
        return method, f"{target}?{urlencode(query)}" if draw.random() < 0.8 else target, headers


def seen(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Return what a viewer sees, and what reached the origin, in one form."""
    answered = {name.lower(): value for name, value in headers}
    found: dict[str, Any] = {"status": status}
    if status >= 400:
        return found
    found["answer"] = {
        name: value for name, value in answered.items() if name.startswith(_ANSWERED)
    }
    if body:
        asked = json.loads(body)
        path, _, query = asked["target"].partition("?")
        found["path"] = path
        found["query"] = sorted(parse_qsl(query, keep_blank_values=True))
        found["headers"] = {
            name: sorted(value.split("; ")) if name == "cookie" else value
            for name, value in asked["headers"].items()
            if name not in _ADDED
        }
    return found


def difference(behavior: Behavior, target: str, headers: dict[str, str]) -> str:
    """Return the name of the difference that is known for a request; empty if there is none."""
    forwarding = behavior.forwarding
    parameters = {name for name, _ in parse_qsl(target.partition("?")[2], keep_blank_values=True)}
    origin = headers.get("Origin", "")
    policy = behavior.response_headers_policy
    if forwarding.origin_request_policy.get("Name") == "Managed-AllViewer" and parameters & {
        *PARAMETERS[:2]
    }:
        return "AllViewer"
    if SIGNED_COOKIE in headers.get("Cookie", "") and forwarding.forwards_cookie(SIGNED_COOKIE):
        return "signed cookies"
    if (
        origin
        and forwarding.forwards_header("Origin")
        and overrides_origin(policy)
        and not cors_headers(policy, origin)
    ):
        return "override"
    return ""


def test_same_answers(ministack: MinistackHere, clients: Clients) -> None:
    """Get the same answer to a thousand requests, or a difference that has a name."""
    maker = Maker(clients, SEED)
    with EdgeServer(echo).running() as server:
        origin = {
            "Id": "server",
            "DomainName": "127.0.0.1",
            "CustomOriginConfig": {
                "HTTPPort": server.port,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "http-only",
            },
        }
        made = [maker.behavior(number) for number in range(30)]
        default = {name: value for name, value in made[0].items() if name != "PathPattern"}
        config = new_distribution_config("media", origin, default)
        config["CacheBehaviors"] = list_of(made)
        answer: Any = clients.cloudfront.create_distribution(DistributionConfig=config)
        found = read_distribution(clients.cloudfront, answer["Distribution"]["Id"])
        rules = DistributionReader(clients.cloudfront, found.id).read()
        edge = EdgeClient(distribution(rules, [found.domain_name], echo))
        wrong: list[Any] = []
        differing: Counter[str] = Counter()
        for _ in range(REQUESTS):
            method, target, headers = maker.request(len(made))
            ours = edge.request(method, f"http://{found.domain_name}{target}", headers=headers)
            theirs = ministack.ask(method, target, {"Host": found.domain_name, **headers})
            one, other = seen(ours.status, ours.headers.items(), ours.body), seen(*theirs)
            if one != other:
                path = target.partition("?")[0]
                named = difference(select_behavior(rules.behaviors, path), target, headers)
                differing[named] += 1
                if not named:
                    wrong.append((method, target, headers, one, other))
    assert wrong[:3] == []
    assert differing.keys() == DIFFERENCES.keys()
