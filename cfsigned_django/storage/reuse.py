"""Make a URL of a signature that is there already, where that is what ``url()`` would make anew."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cfsigned_django.signing import Policy, Signer
from cfsigned_django.signing.encoding import MAX_URL_LENGTH
from cfsigned_django.signing.resource import compile_resource
from cfsigned_django.storage.plain_names import plain_bytes
from cfsigned_django.url_cache import Entry, UrlCache

#: What an expiry is given as. Others are refused, even if they are equal to one of these.
SECONDS = frozenset({type(None), int, timedelta})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Say what a URL is to be granted, and when ``url()`` grants just this."""

    signer: Signer
    #: The URL on the wire, or a resource with wildcards that covers it.
    covered: str
    #: In Unix seconds.
    expires: int
    ip_address: str | None
    #: Between these moments, in Unix seconds, the same is granted again.
    since: float
    until: float

    def policy(self) -> Policy:
        """Return the policy that says so."""
        return Policy(
            resource=self.covered, date_less_than=self.expires, ip_address=self.ip_address
        )


def extend(entry: Entry, name: str | None) -> str | None:
    """Return the URL of a plain name that a signed resource covers; None where it is neither."""
    if name.__class__ is not str and isinstance(name, str):
        name = str.__str__(name)  # Templates have names that are marked as safe.
    if name is None or plain_bytes(name) is None:
        return None
    prefix, signed = entry.prefix, entry.signed
    assert signed is not None  # noqa: S101
    address = entry.url + name
    if prefix is None:
        if not compile_resource(signed.policy.resource).fullmatch(address):
            return None
    elif not address.startswith(prefix):
        return None
    url = f"{address}?{signed.query}"
    return url if len(url) <= MAX_URL_LENGTH else None


def extend_to(entry: Entry, address: str) -> str:
    """Return the URL for any address that a signed resource covers.

    Raise :exc:`~cfsigned_django.signing.InvalidPolicy` where it does not.
    """
    assert entry.signed is not None  # noqa: S101
    return entry.signed.url(address)


def find_or_sign(
    urls: UrlCache, key: Hashable, grant: Grant, address: str, *, start: str | None
) -> tuple[str, Entry]:
    """Return the URL for the address, and the entry to keep for it.

    ``start`` is the URL behind which plain names are put, or None where they
    are not. Raise :exc:`~cfsigned_django.signing.InvalidPolicy` where a
    resource does not cover the address.
    """
    found = urls.entries.get(key)
    if found is None or not _grants(found, grant, address):
        found = _sign(grant, address, start)
    elif not found.since <= grant.since < found.until:
        found = replace(found, since=grant.since, until=grant.until)
    if found.signed is None:
        return found.url, found
    return found.signed.url(address), found


def _grants(entry: Entry, grant: Grant, address: str) -> bool:
    """Tell whether the entry is what the grant asks for."""
    if entry.signer is not grant.signer or entry.expires != grant.expires:
        return False
    if entry.signed is not None:
        return entry.signed.policy.resource == grant.covered
    # Of that very address, and not of a longer one.
    return entry.url.startswith(address) and entry.url[len(address)] in "?&"


def _sign(grant: Grant, address: str, start: str | None) -> Entry:
    fields: dict[str, Any] = {
        "since": grant.since,
        "until": grant.until,
        "expires": grant.expires,
        "signer": grant.signer,
    }
    if "*" in grant.covered:
        signed = grant.signer.sign_policy(grant.policy())
        prefix = _prefix(signed.policy.resource, start)
        return Entry(url=start or "", signed=signed, prefix=prefix, **fields)
    if grant.covered == address and grant.ip_address is None:
        url = grant.signer.sign_url(address, date_less_than=grant.expires)
    else:
        url = grant.signer.sign_url(address, policy=grant.policy())
    return Entry(url=url, **fields)


def _prefix(resource: str, start: str | None) -> str | None:
    """Return with what all plain URLs begin that a resource covers, if that is all there is to it.

    So it is where the only ``*`` ends the path: a plain name has no query.
    """
    prefix = resource.removesuffix("*")
    is_all = start is not None and prefix.startswith(start) and not {"*", "?"} & set(prefix)
    return prefix if is_all and prefix != resource else None
