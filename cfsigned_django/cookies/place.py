"""Where a browser keeps a set of signed cookies, and with which requests it sends them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.http.request import split_domain_port

from cfsigned_django.core.conf import Site, is_local_host, shown

#: Browsers ignore a longer Path, and keep the cookie for the folder of the page (RFC 6265bis, 5.6).
MAX_PATH_LENGTH: Final = 1024


class CookiePlace(NamedTuple):
    """Where a browser keeps a set of cookies, and with which attributes: a list in the marker."""

    domain: str | None
    path: str
    secure: bool = True
    httponly: bool = True
    samesite: str | None = "Lax"
    partitioned: bool = False

    @property
    def key(self) -> str:
        """Return what tells sets apart in ``response.cookies``, behind the name of a cookie."""
        return f"{self.domain or ''}{self.path}"

    def overlaps(self, other: CookiePlace) -> bool:
        """Return whether a browser may send the cookies of both with one request."""
        a, b = self.domain, other.domain
        # A set without a Domain belongs to the host of the page, which every Domain contains.
        may_share_host = not a or not b or is_in_domain(a, b) or is_in_domain(b, a)
        return may_share_host and (carries(self.path, other.path) or carries(other.path, self.path))

    def refuse_attributes(self, covered: str) -> None:
        """Raise if browsers drop a cookie with these attributes, or send it where all can read."""
        if self.samesite not in ("Lax", "Strict", "None", None):
            raise ValueError(
                f"samesite is {self.samesite!r}. It must be 'Lax', 'Strict' or 'None'."
            )
        if self.secure:
            return
        if self.partitioned or self.samesite == "None":
            raise ValueError(
                "Browsers drop a cookie that is Partitioned, or has SameSite=None, and is not "
                "Secure. Leave out secure=False."
            )
        if not covered.startswith("http:"):
            raise ValueError(
                "secure=False would send the cookies over plain HTTP, where anyone can copy them. "
                "Leave it out. It is accepted only in development, with AWS_S3_URL_PROTOCOL = "
                '"http:".'
            )


def place_for(
    covered: str,
    request: HttpRequest | None = None,
    *,
    domain: str | None,
    path: str | None,
    **attributes: Any,
) -> CookiePlace:
    """Return where cookies for this resource belong. Raise if CloudFront would not get them.

    ``request`` is that of the page that sets or deletes them: on a machine of development, WebKit
    keeps no ``Secure`` cookie over plain HTTP, so they are not ``Secure`` there.
    """
    cdn = urlsplit(covered).hostname or ""
    place = CookiePlace(
        domain=checked_domain(domain or Site.COOKIE_DOMAIN.read(), cdn),
        path=_checked_path(path, covered),
        **attributes,
    )
    place.refuse_attributes(covered)
    if request is None or request.is_secure() or not covered.startswith("http:"):
        return place
    needs_secure = place.partitioned or place.samesite == "None"
    if needs_secure or not all(map(_is_here, (_page_host(request), cdn))):
        return place
    return place._replace(secure=False)


def attributes_of(scope: object) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in CookiePlace._fields}


def checked_domain(domain: str | None, cdn: str) -> str | None:
    """Return the Domain in lower case. Raise if cookies with it never reach this host."""
    if domain is None:
        return None
    domain = domain.lower().removeprefix(".")
    # Browsers take a name whose last part is a number for an address (WHATWG URL, "host parsing").
    if "." not in domain or domain == "cloudfront.net" or domain.rpartition(".")[2].isdigit():
        raise ValueError(
            f"The Domain {shown(domain)} is not one that browsers accept for cookies. Give the "
            "site and CloudFront a common domain, such as app.example.com and media.example.com, "
            "and set AWS_CLOUDFRONT_COOKIE_DOMAIN to it, example.com."
        )
    if not is_in_domain(cdn, domain):
        raise ValueError(
            f"Cookies with the Domain {domain} are not sent to {cdn}, which serves the files. Set "
            "AWS_CLOUDFRONT_COOKIE_DOMAIN to a domain that the page and AWS_S3_CUSTOM_DOMAIN have "
            "in common."
        )
    return domain


def _checked_path(path: str | None, covered: str) -> str:
    """Return the Path, by default the folder of the resource. Raise if it does not fit."""
    start = urlsplit(covered).path.partition("*")[0]
    if path is None:
        path = start[: start.rindex("/") + 1]
    if len(path) > MAX_PATH_LENGTH:
        raise ValueError(
            f"The Path of the cookies would have {len(path)} bytes. Browsers ignore one of more "
            f"than {MAX_PATH_LENGTH} bytes, and a cookie of more than 4096. Open a folder whose "
            "name is shorter in a URL, where a Korean letter takes 9 bytes, or a folder above it."
        )
    parts = path.split("/")
    if not path.startswith("/") or not path.isascii() or not path.isprintable():
        raise ValueError(
            f"The Path {path!r} is not a path. It must begin with a slash and be percent-encoded, "
            "as in the URL of the files."
        )
    if "*" in path or ";" in path or ".." in parts:
        raise ValueError(
            f"The Path {path!r} has a '*', a ';' or a '..', which browsers take literally. Leave "
            "the Path out, or use a folder in the URL of the files."
        )
    if not carries(path, start):
        raise ValueError(
            f"Browsers would not send cookies with the Path {path} for every file that "
            f"{covered} covers. Leave the Path out, or use a folder above these files."
        )
    return path


def why_not_from(request: HttpRequest, place: CookiePlace, covered: str) -> str:
    """Return why a page at this address cannot set the cookies; empty if it can."""
    page, cdn = _page_host(request), urlsplit(covered).hostname
    if place.domain is None and page != cdn:
        return (
            f"The page is at {page} and the files are at {cdn}: a browser sends the cookies of one "
            "host to the other only if they have a Domain. Set AWS_CLOUDFRONT_COOKIE_DOMAIN to a "
            "domain that both are in."
        )
    if place.domain is not None and not is_in_domain(page, place.domain):
        return (
            f"A page at {page} cannot set cookies with the Domain {place.domain}. Set "
            "AWS_CLOUDFRONT_COOKIE_DOMAIN to a domain that the page and the files have in common."
        )
    if place.secure and not request.is_secure() and not _is_here(page):
        return (
            f"The page is at http://{page}, and browsers drop Secure cookies of such a page. Serve "
            "it over https (behind a proxy, set SECURE_PROXY_SSL_HEADER). In development, set "
            'AWS_S3_URL_PROTOCOL = "http:" and pass secure=False.'
        )
    return ""


def carries(path: str, start: str) -> bool:
    """Return whether cookies with this Path go to every URL that begins so (RFC 6265, 5.1.4)."""
    return start == path or start.startswith(path if path.endswith("/") else f"{path}/")


def is_in_domain(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _is_here(host: str) -> bool:
    """Return whether browsers take a host for this machine; a name under ``test`` may be another's.

    It is ``localhost``, a name under it, or a loopback address (W3C, "Secure Contexts", 3.1).
    """
    return is_local_host(host) and not host.endswith(".test")


def _page_host(request: HttpRequest) -> str:
    """Return the host of the page, without its port: cookies do not know ports."""
    return split_domain_port(request.get_host())[0]
