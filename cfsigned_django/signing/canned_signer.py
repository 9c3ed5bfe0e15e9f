"""Sign many URLs that differ in their names only."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable

from cfsigned_django.signing.encoding import MAX_URL_LENGTH, TO_CLOUDFRONT
from cfsigned_django.signing.exceptions import InvalidUrl
from cfsigned_django.signing.policy import canned_policy_json


class CannedSigner:
    """Sign URLs that begin alike and end at the same moment: ``Signer.until()`` makes it.

    All that they have in common is put together once, so that signing one
    costs one signature and little else.
    """

    __slots__ = ("_after", "_before", "_grant", "_sign", "_start", "_tail")

    def __init__(
        self, *, sign: Callable[[bytes], bytes], start: str, date_less_than: int, tail: str
    ) -> None:
        policy = canned_policy_json(f"{start}\n", date_less_than).encode("ascii")
        self._before, self._after = policy.split(b"\n")
        self._sign = sign
        self._start = start
        self._grant = f"?Expires={date_less_than}&Signature="
        self._tail = tail

    def sign(self, name: str, raw: bytes) -> str:
        """Return the signed URL of what comes after the start; ``raw`` is the same in bytes.

        It is as it goes over the wire: ASCII, percent-encoded, with neither
        ``*`` nor ``?`` in it. Raise :exc:`InvalidUrl` where the URL becomes
        longer than CloudFront takes.
        """
        signature = self._sign(self._before + raw + self._after)
        # As encode_base64() does it. Beside an ECDSA signature, each call counts.
        text = b2a_base64(signature, newline=False).translate(TO_CLOUDFRONT).decode()
        url = f"{self._start}{name}{self._grant}{text}{self._tail}"
        return url if len(url) <= MAX_URL_LENGTH else refuse_long_url(url)

    def __repr__(self) -> str:
        until = self._grant.removeprefix("?Expires=").removesuffix("&Signature=")
        return f"<CannedSigner for {self._start} until {until}>"


def refuse_long_url(signed: str) -> str:
    """Return a signed URL that CloudFront takes; raise :exc:`InvalidUrl` for a longer one."""
    if len(signed) > MAX_URL_LENGTH:
        raise InvalidUrl(
            f"The signed URL has {len(signed)} bytes; CloudFront takes {MAX_URL_LENGTH} at most. "
            "Shorten the name or the parameters."
        )
    return signed
