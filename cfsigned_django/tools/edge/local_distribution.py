"""Serve viewers as a CloudFront distribution does: behavior, signature, origin.

The distribution is a WSGI application, and so is its origin. An origin
therefore needs nothing from this package, and the distribution runs under any
WSGI server, or without one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cfsigned_django.signing.encoding import MAX_URL_LENGTH
from cfsigned_django.signing.exceptions import Denied
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.verifier import Verifier
from cfsigned_django.tools.edge import responses
from cfsigned_django.tools.edge.behavior import Behavior, select_behavior
from cfsigned_django.tools.edge.origin_request import environ_for_origin, split_parameters
from cfsigned_django.tools.edge.requests import MAX_REQUEST_LENGTH, ViewerRequest
from cfsigned_django.tools.edge.responses import ExcInfo, Refusal
from cfsigned_django.tools.model import response_headers

logger: Final = logging.getLogger("cfsigned_django.tools.edge")

#: Key group ID -> public key ID -> the key.
TrustedKeyGroups: TypeAlias = Mapping[str, Mapping[str, PublicKey]]

#: The environ key of the reason why a request was refused; an origin may set it
#: to explain its response. It is logged, and viewers never see it.
REASON_KEY = "cfsigned.reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Behaviors and key groups in front of an origin.

    ``domain_names`` are the hosts that viewers may request, with the port if
    there is one. ``behaviors`` are tried in order; the last one is the
    default, with the path pattern ``*``. ``key_groups`` is a mapping or
    returns one. It is read for each request, so keys may be added and removed
    while the server runs. ``viewer_scheme`` is for an edge behind a proxy that
    terminates TLS: URLs are then signed for ``https://``, while the server of
    the edge sees http. ``clock`` returns Unix time in seconds.

    AWS pages: "Cache behavior settings" and "Specify signers that can create
    signed URLs and signed cookies".
    """

    domain_names: tuple[str, ...]
    behaviors: tuple[Behavior, ...] = (Behavior(),)
    key_groups: TrustedKeyGroups | Callable[[], TrustedKeyGroups] = field(default_factory=dict)
    origin: WSGIApplication
    viewer_scheme: str | None = None
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not self.domain_names or any("/" in name for name in self.domain_names):
            raise ValueError("domain_names must be a tuple of hosts, without a scheme or a slash.")
        if not self.behaviors or self.behaviors[-1].path_pattern != "*":
            raise ValueError('The last of behaviors must have the path_pattern "*".')
        if not callable(self.key_groups):
            named = {group for behavior in self.behaviors for group in behavior.trusted_key_groups}
            for group in sorted(named - self.key_groups.keys()):
                raise ValueError(
                    f"A behavior trusts the key group {group!r}. Add it to key_groups."
                )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.serve(environ, start_response, now=int(self.clock()))

    def serve(
        self, environ: WSGIEnvironment, start_response: StartResponse, *, now: int
    ) -> Iterable[bytes]:
        """Return the response to one request at ``now``, in Unix seconds."""
        request = ViewerRequest.from_environ(environ, scheme=self.viewer_scheme)
        verdict = self._decide(request, now=now)
        if isinstance(verdict, Refusal):
            environ[REASON_KEY] = verdict.reason
            _log(verdict.status, verdict.code, request, verdict.reason)
            return verdict(environ, start_response)
        return self._forward(request, verdict, environ, start_response)

    def _decide(self, request: ViewerRequest, *, now: int) -> Behavior | Refusal:
        """Return the behavior that serves the request, or the refusal."""
        if not request.target.startswith("/") or not _is_visible_ascii(request.target):
            return responses.page("BadRequest", "the request target is not a path in visible ASCII")
        if request.host.lower() not in {name.lower() for name in self.domain_names}:
            return responses.page(
                "UnknownHost",
                f"the viewer requested the host {request.host!r}, but this edge serves only "
                + " and ".join(self.domain_names),
            )
        if len(request.url) > MAX_URL_LENGTH:
            return responses.page(
                "UrlTooLong",
                f"the URL has {len(request.url)} bytes; CloudFront's quota is {MAX_URL_LENGTH}",
            )
        if request.length > MAX_REQUEST_LENGTH:
            return responses.page(
                "RequestTooLong",
                f"the request line and the headers have {request.length} bytes, "
                f"{request.cookie_length} of them cookies; CloudFront's quota is "
                f"{MAX_REQUEST_LENGTH}",
            )
        behavior = select_behavior(self.behaviors, request.path)
        if request.method not in behavior.allowed_methods:
            return responses.page(
                "MethodNotAllowed",
                f"the behavior {behavior.path_pattern} allows only "
                + ", ".join(sorted(behavior.allowed_methods)),
            )
        if request.has_body:
            return responses.page("BodyNotAllowed", f"the {request.method} request has a body")
        return self._verify(request, behavior, now=now) if behavior.is_restricted else behavior

    def _verify(
        self, request: ViewerRequest, behavior: Behavior, *, now: int
    ) -> Behavior | Refusal:
        # An OPTIONS request needs a signature like any other: with key groups,
        # "CloudFront requires signed URLs or signed cookies for all requests that
        # match the cache behavior" (API reference, CacheBehavior). Preflights
        # never carry cookies, so they fail here with signed cookies.
        verifier = Verifier(self._trusted_keys(behavior))
        # A browser sends a cookie twice if two paths or domains set it. AWS does
        # not document which of the two CloudFront reads, so both must be valid.
        first_wins, last_wins = dict(reversed(request.cookies)), dict(request.cookies)
        try:
            verifier.verify(request.url, last_wins, now=now, viewer_ip=request.viewer_ip)
            if first_wins != last_wins:
                verifier.verify(request.url, first_wins, now=now, viewer_ip=request.viewer_ip)
        except Denied as denial:
            return responses.denied(denial)
        return behavior

    def _trusted_keys(self, behavior: Behavior) -> dict[str, PublicKey]:
        key_groups = self.key_groups() if callable(self.key_groups) else self.key_groups
        return {
            key_pair_id: public_key
            for group in behavior.trusted_key_groups
            for key_pair_id, public_key in key_groups.get(group, {}).items()
        }

    def _forward(
        self,
        request: ViewerRequest,
        behavior: Behavior,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        to_origin = environ_for_origin(request, behavior, environ)

        def respond(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            headers = response_headers.apply(
                behavior.response_headers_policy,
                headers,
                origin=request.origin,
                method=request.method,
            )
            reasons = [to_origin.get(REASON_KEY, ""), *_what_policies_lose(request, behavior)]
            reasons += _why_no_cors(request, behavior, headers)
            reason = environ[REASON_KEY] = "; ".join(filter(None, reasons))
            _log(status, "from the origin" if status >= "4" else "", request, reason)
            if not any(name.lower() == "server" for name, _ in headers):
                headers = [*headers, ("Server", "CloudFront")]
            added = responses.edge_headers(is_error=status >= "4")
            return start_response(status, [*headers, *added], exc_info)

        return self.origin(to_origin, respond)


def _what_policies_lose(request: ViewerRequest, behavior: Behavior) -> Iterator[str]:
    """Yield which parameters of the viewer S3 has not seen, and why."""
    _, lost = split_parameters(request, behavior)
    if lost:
        names = ", ".join(dict.fromkeys(part.partition("=")[0] for part in lost))
        yield f"{behavior.forwarding.name} kept {names} from the origin"


def _why_no_cors(
    request: ViewerRequest, behavior: Behavior, headers: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Yield why browsers hide a response from a page of another origin."""
    allowed = {name.lower(): value for name, value in headers}.get("access-control-allow-origin")
    if request.origin and allowed == "*" and request.cookies:
        yield f"{request.origin} may not read this with cookies: Access-Control-Allow-Origin is *"
    if not request.origin or allowed is not None:
        return
    policy = behavior.response_headers_policy.get("Name")
    allows = f"the response headers policy {policy} does not allow it"
    said = allows if policy else "the behavior has no response headers policy"
    forwarding = behavior.forwarding
    from_s3 = (
        "the origin's answer has none"
        if forwarding.forwards_header("Origin")
        else f"{forwarding.name} kept Origin from the origin"
    )
    yield f"no CORS headers for {request.origin}: {said}, and {from_s3}"


def _is_visible_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _log(status: str, code: str, request: ViewerRequest, reason: str) -> None:
    method = "" if request.method == "GET" else request.method
    words = " ".join(part for part in (status[:3], code, method, request.describe()) if part)
    line = request.conceal(f"{words}: {reason}" if reason else words)
    # Control characters from a viewer must not reach the terminal that shows the log.
    line = line if line.isprintable() else ascii(line)
    logger.log(logging.WARNING if status >= "4" else logging.INFO, "%s", line)
