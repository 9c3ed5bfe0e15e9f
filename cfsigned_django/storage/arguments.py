"""Check what is given to ``url()``, and work out what it comes to.

Nothing here knows a storage. What cannot be done raises :exc:`ValueError`, and
a name with ``..`` in it :exc:`SuspiciousFileOperation`.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import SuspiciousFileOperation

from cfsigned_django.conf import whole_seconds
from cfsigned_django.signing import InvalidPolicy
from cfsigned_django.signing.policy import epoch_time
from cfsigned_django.storage.options import ResolvedOptions


def round_up_expiry(earliest: int, step: int, resource: str) -> int:
    """Return the moment at which the URL ends: ``earliest``, or less than a step later.

    Both are Unix seconds, ``step`` is 1 or more. The result stays the same
    for a whole step, in every process and on every machine. Each resource
    (what the signature covers) has its steps at other moments than most
    others, so that the pictures of a page do not all change at once.
    """
    # Not hash(), which Python makes another one in each process.
    return earliest + (zlib.crc32(resource.encode()) - earliest) % step


def join_query(address: str, query: str) -> str:
    """Return the address with a query behind it, if there is one."""
    return f"{address}?{query}" if query else address


def refuse_dot_dot(name: str) -> None:
    """Refuse a name that leads out of a folder, in either spelling of the slash."""
    if ".." in re.split(r"[\\/]", str(name)):
        raise SuspiciousFileOperation(
            f"The name {name!r} holds '..'. Signed is what is named, nothing beside it: "
            "give the name as the storage returned it from save()."
        )


def check_folder(folder: str) -> str:
    """Return the folder without a slash at its end; refuse one that has no name."""
    folder = folder.removesuffix("/")
    if {"", "."} & set(re.split(r"[\\/]", folder)):
        # What a variable that is empty leaves of f"albums/{slug}": it would open the albums of all.
        raise ValueError(
            f"folder is {folder!r}, with a part that has no name. Give the name of a folder in the "
            "storage, such as \"albums/42\", without '//', './' or a slash in front."
        )
    return folder


def check_resource_name(resource: str, allow_any_resource: bool) -> None:
    """Refuse a resource that is not a name, or that opens more than it seems to."""
    if not resource or "://" in resource:
        raise ValueError(
            f"resource is {resource!r}: give it as a name in the storage, such as "
            "'albums/42/*', without protocol and domain."
        )
    if "*" in resource and {"", "."} & set(re.split(r"[\\/]", resource)[:-1]):
        # What a variable that is empty leaves of "albums/{slug}/*". Tidied up, as names are,
        # it would open the albums of all.
        raise ValueError(
            f"resource is {resource!r}, with a folder without a name: give it as names are "
            "given, without '//', './' or a slash in front."
        )
    if resource.startswith("*") and not allow_any_resource:
        raise ValueError(
            f"resource is {resource!r}, with nothing before its first *: it covers files in every "
            "folder of the storage. Name a folder in front of it, such as 'albums/42/*', or give "
            "allow_any_resource=True if that is meant."
        )


def lifetime(expire: int | timedelta, max_expire: int) -> int:
    """Return the seconds that were asked for, if a URL may live that long."""
    seconds = whole_seconds(expire)
    if seconds is None or seconds < 1:
        raise ValueError(
            f"expire is {expire!r}: whole seconds or a timedelta are wanted, 1 s or more."
        )
    if seconds > max_expire:
        raise ValueError(
            f"expire is {seconds} s, more than the {max_expire} s of AWS_CLOUDFRONT_MAX_EXPIRE. "
            "Ask for less, or raise the setting: keys must outlive the URLs that they signed."
        )
    return seconds


def step_seconds(expire_step: int | timedelta, seconds: int, options: ResolvedOptions) -> int:
    """Return the step that was asked for, if a URL may then live as long as it can.

    ``seconds`` is what is granted without it.
    """
    step = whole_seconds(expire_step)
    if step is None or step < 0:
        raise ValueError(
            f"expire_step is {expire_step!r}: whole seconds or a timedelta are wanted, 0 or more."
        )
    if seconds + step > options.longest:
        raise ValueError(
            f"expire_step is {step} s, with which a URL of {seconds} s may live for up to "
            f"{seconds + step} s: more than the {options.longest} s of AWS_CLOUDFRONT_MAX_EXPIRE "
            "and AWS_CLOUDFRONT_EXPIRE_STEP together. Ask for less, or raise one of the settings: "
            "keys must outlive the URLs that they signed."
        )
    return step


def refuse_late_start(date_greater_than: datetime | int, expires: int, now: int) -> None:
    """Refuse a URL that would end before it begins, since its lifetime counts from now."""
    start = epoch_time(date_greater_than, "date_greater_than")
    if start >= expires:
        raise InvalidPolicy(
            f"date_greater_than is {start - now} s from now, and the URL ends {expires - now} s "
            f"from now: expire counts from now as well. Ask for expire={start - now} and as many "
            "seconds more as the URL shall work."
        )


def refuse_conditions(*conditions: Any) -> None:
    """Refuse what only a signature can enforce, on a URL that has none of this library's."""
    if any(condition is not None for condition in conditions):
        raise ValueError(
            "date_greater_than, ip_address, resource and folder need a signature by the storage's "
            "own key: set AWS_CLOUDFRONT_KEY and leave cloudfront_signer and querystring_auth "
            "alone."
        )


def refuse_writing(http_method: str) -> None:
    """Refuse methods that change a file."""
    if http_method.upper() not in ("GET", "HEAD"):
        raise ValueError(
            f"http_method is {http_method!r}, but the signed URLs of this storage are for reading "
            "(GET, HEAD). To let a browser upload, give it a presigned S3 URL: boto3's "
            "generate_presigned_post or generate_presigned_url('put_object', ...)."
        )
