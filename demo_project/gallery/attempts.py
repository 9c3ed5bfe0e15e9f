"""The requests that a file's page offers, allowed or refused, and the function that sends them."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _, gettext_noop

from cfsigned_django.models import KeyPair
from cfsigned_django.signing import Check, Denied, PublicKey, Verifier
from cfsigned_django.storage import CloudFrontS3Storage, SignedUrlMixin
from demo_project.gallery.anatomy import expiry, unsigned

SHORT = 10
DAY = 24 * 3600

# Why a request is refused, by the code that it got, or by the check that it did not pass.
_REASONS: Final = {
    "MissingKey": gettext_noop("There is no signature. This file needs a signed link or cookie."),
    "InvalidKey": gettext_noop("The edge does not trust this key: it is not in its key group."),
    Check.SIGNATURE: gettext_noop(
        "The signature does not match: after it was made, the address, the time or the signature "
        "itself was changed. Or another key made it."
    ),
    Check.RESOURCE: gettext_noop("The signature is right, but it was made for another file."),
    Check.TIME: gettext_noop("The signature is right, but its time is over, or has not begun."),
    Check.ADDRESS: gettext_noop("The signature is right, but only for another IP address."),
}
_UNREADABLE: Final = gettext_noop("A part of the signed link is missing, or cannot be read.")
_PRIVATE: Final = gettext_noop("S3 itself refused: only the edge may read this bucket.")

_TRUSTED = ("trusted", "active", "retiring")
# An error document is far shorter, and a picture is not shown.
_MAX_BODY = 2000
_HEADERS = ("Content-Type", "Content-Length", "Server", "X-Cache", "Via", "ETag")
_TEXT = ("text/", "application/xml", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One URL to try; `expected` is the status, with the code of the error if there is one."""

    slug: str
    title: str
    story: str
    url: str
    expected: str
    expires: int | None = None


def attempts_for(media: FieldFile) -> tuple[Attempt, ...]:
    """Return every attempt for the file, each with a URL made at this moment."""
    storage, name = signing_storage(media), media.name
    signed = storage.url(name)
    short = storage.url(name, expire=SHORT)
    attempts = [
        Attempt(
            slug="signed",
            title=_("As it was signed"),
            story=_("The link that this page uses. It works until it expires."),
            url=signed,
            expected="200",
            expires=expiry(signed),
        ),
        Attempt(
            slug="unsigned",
            title=_("Without a signature"),
            story=_("The same address with everything after the question mark left out."),
            url=unsigned(signed),
            expected="403 MissingKey",
        ),
        Attempt(
            slug="tampered",
            title=_("With a day added"),
            story=_(
                "Expires is 24 hours later, but it is signed: the signature no longer matches."
            ),
            url=tampered(signed),
            expected="403 AccessDenied",
        ),
        Attempt(
            slug="expiring",
            title=_("After ten seconds"),
            story=_("This link works for ten seconds: try it now, wait, and try again."),
            url=short,
            expected=_("200, then 403 AccessDenied"),
            expires=expiry(short),
        ),
    ]
    if direct := direct_url(media):
        attempts.append(
            Attempt(
                slug="direct",
                title=_("Directly from S3"),
                story=_("The object's own address. Nothing in the bucket is public."),
                url=direct,
                expected="403 AccessDenied",
            )
        )
    return tuple(attempts)


def tampered(url: str) -> str:
    """Return a signed URL whose Expires was moved by a day."""
    moment = expiry(url)
    return url.replace(f"Expires={moment}", f"Expires={moment + DAY}")


def altered(url: str) -> tuple[str, str, str]:
    """Return a signed URL with another first character of its signature, this and the old one."""
    before, name, signature = url.partition("Signature=")
    old = signature[0]
    other = "B" if old == "A" else "A"
    return f"{before}{name}{other}{signature[1:]}", other, old


def direct_url(media: FieldFile) -> str:
    """Return the URL of the file in S3; empty if the file is not in S3."""
    storage = media.storage
    if not isinstance(storage, CloudFrontS3Storage):
        return ""
    path = urlsplit(storage.unsigned_url(media.name)).path
    # django-storages sets its options as attributes, which type checkers do not see.
    return f"{storage.endpoint_url}/{storage.bucket_name}{path}"  # type: ignore[attr-defined]


def may_ask(url: str, media: FieldFile) -> bool:
    """Return whether the URL is for this file, at the edge or at S3.

    The site sends the request for the person who fills in the form. Without this check, it
    would send requests to any server.
    """
    own = {signing_storage(media).unsigned_url(media.name), direct_url(media)} - {""}
    return url.partition("?")[0] in own and url.isascii() and url.isprintable()


def why_refused(url: str, media: FieldFile, *, now: int) -> tuple[str, str]:
    """Return why a URL is refused, in the reader's language and as the edge's log says it.

    S3 has no such log. Both are empty if the URL is served.
    """
    if url.startswith(direct_url(media) or "-"):
        return _(_PRIVATE), ""
    try:
        Verifier(_trusted_keys(signing_storage(media))).verify(url, now=now)
    except Denied as denied:
        reason = _REASONS.get(denied.code) or _REASONS.get(denied.check, _UNREADABLE)
        return _(reason), denied.reason
    return "", ""


def _trusted_keys(storage: SignedUrlMixin) -> dict[str, PublicKey]:
    """Return what the edge trusts: the key that signs, its successor, and those before it."""
    rows = KeyPair.objects.filter(status__in=_TRUSTED, key_group_id=storage.key_group_id)
    return storage.trusted_keys() | {
        row.key_pair_id: PublicKey.load(row.public_key) for row in rows if row.key_pair_id
    }


def signing_storage(media: FieldFile) -> SignedUrlMixin:
    """Return the file's storage, which must be one that signs."""
    storage = media.storage
    if not isinstance(storage, SignedUrlMixin):
        raise ImproperlyConfigured(
            f"{storage!r} does not sign URLs. The demo needs a storage that does."
        )
    return storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, the headers that matter, and the start of the body if it is text."""

    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def is_allowed(self) -> bool:
        """Whether the file was served."""
        return self.status == HTTPStatus.OK

    @property
    def code(self) -> str:
        """The code in an error document, such as `MissingKey`; empty if there is none."""
        found = re.search("<Code>([A-Za-z]+)</Code>", self.text)
        return found[1] if found and not self.is_allowed else ""


def ask(url: str, *, timeout: float = 5.0, whole: bool = False) -> Reply:
    """Send one GET request. Raise OSError if there is no answer.

    Only 2,000 bytes of the body are read, unless `whole` is true; `timeout` is in seconds.
    """
    place = urlsplit(url)
    target = place.path + (f"?{place.query}" if place.query else "")
    connection = http.client.HTTPConnection(place.netloc, timeout=timeout)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(None if whole else _MAX_BODY)
    except http.client.HTTPException as error:
        raise OSError(f"The answer could not be read: {error}") from error
    finally:
        connection.close()
    headers = tuple((name, value) for name in _HEADERS if (value := response.getheader(name)))
    is_text = response.getheader("Content-Type", "").startswith(_TEXT)
    return Reply(
        status=response.status,
        phrase=response.reason,
        headers=headers,
        text=body.decode("utf-8", "replace") if is_text else "",
    )
