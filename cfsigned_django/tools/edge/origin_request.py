"""Make the request to the origin: what the policies of the behavior forward, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import unquote
from wsgiref.types import WSGIEnvironment

from cfsigned_django.signing.encoding import split_query
from cfsigned_django.tools.edge.behavior import Behavior
from cfsigned_django.tools.edge.requests import ViewerRequest
from cfsigned_django.tools.model.forwarding import Forwarding

# CloudFront sends this one unless the viewer's is forwarded ("Request and response behavior for
# custom origins").
_USER_AGENT = "Amazon CloudFront"


def split_parameters(request: ViewerRequest, behavior: Behavior) -> tuple[list[str], list[str]]:
    """Return the parts of the query that reach the origin, and those that do not.

    CloudFront's own parameters are in neither. If a behavior needs no signature, CloudFront
    reserves none. AWS page: "Cache content based on query string parameters". It lists four of
    them, and does not mention Hash-Algorithm.
    """
    query = "&".join(split_query(request.query)[1]) if behavior.is_restricted else request.query
    reaching: list[str] = []
    kept_back: list[str] = []
    for part in query.split("&") if query else ():
        reaches = behavior.forwarding.forwards_parameter(unquote(part.partition("=")[0]))
        (reaching if reaches else kept_back).append(part)
    return reaching, kept_back


def environ_for_origin(
    request: ViewerRequest, behavior: Behavior, environ: WSGIEnvironment
) -> WSGIEnvironment:
    """Return the environ of the request to the origin.

    The query is forwarded as it was sent. Signed cookies are credentials, as anyone who has them
    has access: they stay at the edge whatever the policies say.
    """
    query = "&".join(split_parameters(request, behavior)[0])
    target = f"{request.path}?{query}" if query else request.path
    headers = {name for name in environ if name.startswith("HTTP_")}
    return {
        **{name: value for name, value in environ.items() if name not in headers},
        "HTTP_USER_AGENT": _USER_AGENT,
        **dict(_headers(request, behavior.forwarding, environ)),
        "RAW_URI": target,
        "REQUEST_URI": target,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": "",
        "wsgi.input": io.BytesIO(),
    }


def _headers(
    request: ViewerRequest, forwarding: Forwarding, environ: WSGIEnvironment
) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        header = name.removeprefix("HTTP_").replace("_", "-")
        if name == header or header == "COOKIE":
            continue
        if forwarding.forwards_header(header):
            yield name, value
    cookies = [
        f"{name}={value}"
        for name, value in request.cookies
        if forwarding.forwards_cookie(name) and not name.startswith("CloudFront-")
    ]
    if cookies:
        yield "HTTP_COOKIE", "; ".join(cookies)
