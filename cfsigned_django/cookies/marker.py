"""The marker: a cookie for the pages of the site, which says who got which sets, and until when.

The site never sees the cookies that it set for the domain or the path of the files. So the marker
remembers who got which sets, which keys signed them, and when to renew them.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

from cfsigned_django.conf import Site
from cfsigned_django.cookies.place import CookiePlace
from cfsigned_django.signing.signer import MAX_COOKIE_LENGTH

#: The cookie that says until when the signed cookies of this browser need no renewal.
MARKER: Final = "cfsigned_cookies"


class Marker(NamedTuple):
    """What a browser was given, and until when that needs no renewal: a list in the cookie."""

    #: A digest of the session key, which a log-in and a log-out change, and of the scopes.
    viewer: str
    #: Alias of a storage -> ID of the key pair that signed for it.
    key_pair_ids: dict[str, str]
    #: When the first set expires, and from when all are renewed, in Unix seconds.
    expires: int
    renew_at: int
    #: The place of each set.
    places: list[CookiePlace]

    def dump(self) -> str:
        """Return the value of the cookie, signed with SECRET_KEY."""
        # Browsers send it with each request. Many folders shrink, in Korean to a fifth.
        value: str = _marker_signer().sign_object(self, compress=True)
        return value

    @classmethod
    def has_room(cls, viewer: str, key_pair_ids: dict[str, str], places: list[CookiePlace]) -> bool:
        """Return whether browsers keep a marker of these places."""
        late = 10**10 - 1
        length = len(cls(viewer, key_pair_ids, late, late, places).dump())
        return length <= MAX_COOKIE_LENGTH - 100  # The name and the attributes count, too.

    @classmethod
    def load(cls, request: HttpRequest) -> Marker | None:
        """Return the marker of a request; None if it has none that this site signed."""
        text = request.COOKIES.get(MARKER)
        if not text:
            return None
        try:
            viewer, ids, expires, renew_at, places = _marker_signer().unsign_object(text)
            return cls(viewer, ids, expires, renew_at, [CookiePlace(*each) for each in places])
        except (BadSignature, TypeError, ValueError):  # TypeError: of another release
            return None


def _marker_signer() -> Signer:
    return Signer(salt="cfsigned_django.cookies")


def session_key_of(request: HttpRequest) -> str | None:
    """Return the key of the session, without reading the session."""
    key: str | None = getattr(getattr(request, "session", None), "session_key", None)
    return key


def viewer_of(request: HttpRequest) -> str:
    key = session_key_of(request)
    if key is None:
        return ""
    text = "\n".join((key, *map(str, Site.COOKIE_SCOPES.read())))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
