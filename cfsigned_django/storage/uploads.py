"""Uploads that a browser sends to S3: a site signs them before, and finishes them afterwards.

Up to 5 GB, S3 takes one form to a temporary key. What finish() has looked at is what it copies to
the final name: the form stays valid for a while, and only this process writes final names. Above,
S3 takes parts, and makes a file of them when finish() says so. An object under a final name carries
the ID of its upload, so that a second finish() knows it, and nothing is ever overwritten.
"""

from __future__ import annotations

import logging
import posixpath
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from django.core import signing
from storages.utils import clean_name

from cfsigned_django.core.aws import s3_object as s3
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.conf import whole_seconds
from cfsigned_django.storage.names import MAX_NAME_LENGTH, is_exact_name, refuse_dot_dot

logger: Final = logging.getLogger("cfsigned_django.storage")

#: Where uploads wait, in the location of a storage. The template lets nothing else expire.
FOLDER: Final = "tmp/uploads/"
#: In seconds: how long what waits is kept, and so how long a token is valid.
KEPT_FOR: Final = 7 * 24 * 3600
_HOUR: Final = 3600
_SALT: Final = "cfsigned_django.uploads"
#: The metadata in which an object has the ID of its upload.
_ID: Final = "cfsigned-upload"
_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[ -~]*[!-~])?", re.ASCII)


class UploadError(Exception):
    """An upload cannot be finished. The file is not there, and nothing else was changed."""

    #: Whether :func:`finish` may succeed later with the same token.
    is_temporary = False


class UploadGone(UploadError):
    """Nothing has arrived, or what had arrived was deleted."""


class UploadIncomplete(UploadError):
    """Parts have not arrived: ``missing`` has their numbers. Their URLs can be used again."""

    is_temporary = True

    def __init__(self, why: str, missing: tuple[int, ...] = ()) -> None:
        super().__init__(why)
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPart:
    """One part of a large file: ``url`` takes a PUT of exactly ``size`` bytes."""

    number: int
    size: int
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What a browser needs to send one file: a form (``url``, ``fields``), or else ``parts``.

    ``token`` is for :meth:`CloudFrontS3Storage.finish_upload`; ``name`` is the name that
    the file will have; nothing more can be sent after ``expires_at``.
    """

    name: str
    expires_at: datetime
    token: str = field(repr=False)
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    parts: tuple[UploadPart, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: ``expires_at`` in ISO 8601, and what is empty left out."""
        values = {**asdict(self), "expires_at": self.expires_at.isoformat()}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticket:
    """What a token binds. The bucket and the key say which storage, and which location."""

    bucket: str
    key: str
    name: str
    size: int
    content_type: str
    owner: str
    #: The last part of the temporary key; the file has it in its metadata.
    id: str
    #: Of S3, if the file is sent in parts.
    upload_id: str = ""


def sign(
    storage: Any,
    name: str,
    *,
    size: int,
    content_type: str | None,
    expire: int | timedelta | None,
    owner: str,
) -> Upload:
    """Sign an upload, see :meth:`CloudFrontS3Storage.sign_upload`."""
    storage.cfsigned.refuse_url(name)
    _key_of(storage, name)
    if not isinstance(owner, str):
        raise TypeError(
            f"owner is {type(owner).__name__}. It must be text, such as str(request.user.pk)."
        )
    if type(size) is not int or not 0 < size <= s3.MAX_PARTS * s3.MAX_PIECE:
        raise ValueError(
            f"size is {size!r}. It must be the size of the file in whole bytes, as the browser "
            "knows it (file.size): more than 0, and at most 5,000 GiB."
        )
    if content_type is not None and not _TYPE.fullmatch(str(content_type)):
        raise ValueError(
            f"content_type is {content_type!r}. It must be a type such as 'image/jpeg', or None "
            "for the type that the ending of the name has."
        )
    seconds = whole_seconds(_HOUR if expire is None else expire)
    if seconds is None or not 0 < seconds <= KEPT_FOR:
        raise ValueError(
            f"expire is {expire!r}. It must be whole seconds or a timedelta, from 1 s to 7 days: "
            "S3 takes no signature that is valid for longer."
        )

    _refuse_public(storage, FOLDER + "x")
    folder, base = posixpath.split(storage.generate_filename(name))
    unguessable = posixpath.join(folder, secrets.token_urlsafe(16), base)
    name = clean_name(storage.get_available_name(unguessable))
    key = _key_of(storage, name)
    _refuse_public(storage, name)
    ticket = _Ticket(
        bucket=storage.bucket_name,
        key=key,
        name=name,
        size=size,
        content_type=_parameters(storage, key, content_type)["ContentType"],
        owner=owner,
        id=secrets.token_urlsafe(16),
    )
    expires_at = datetime.fromtimestamp(int(time.time()) + seconds, UTC)
    final, waiting = _objects(storage, ticket)
    if size <= s3.MAX_PIECE:
        sent = waiting.sign_form(size=size, content_type=ticket.content_type, seconds=seconds)
    else:
        parameters = _parameters(storage, key, content_type, ticket.id)
        ticket = replace(ticket, upload_id=final.start_parts(parameters))
        sign_part = partial(final.sign_part, ticket.upload_id, seconds=seconds)
        sizes = enumerate(s3.part_sizes(size), start=1)
        parts = (UploadPart(number=n, size=part, url=sign_part(n, size=part)) for n, part in sizes)
        sent = {"parts": tuple(parts)}
    token = signing.dumps(asdict(ticket), salt=_SALT)
    return Upload(name=name, expires_at=expires_at, token=token, **sent)


def finish(storage: Any, token: str, *, owner: str) -> str:
    """Finish an upload, see :meth:`CloudFrontS3Storage.finish_upload`."""
    ticket = _read(storage, token, owner)
    final, waiting = _objects(storage, ticket)
    # Before the final name: if another call keeps the file in between, this one sees it there.
    in_parts = bool(ticket.upload_id)
    arrived: Any = final.list_parts(ticket.upload_id) if in_parts else waiting.head()
    if not _is_kept(final, ticket):
        if arrived is None:
            raise UploadGone(
                f"Nothing has arrived for {ticket.name!r}, or it was deleted. "
                "Send the file to S3 before finish_upload(), or sign a new upload."
            )
        if in_parts:
            is_done = final.complete_new(ticket.upload_id, _etags(ticket, arrived))
        else:
            _check_what_arrived(ticket, arrived)
            parameters = _parameters(storage, ticket.key, ticket.content_type, ticket.id)
            is_done = final.copy_new(waiting, etag=arrived["ETag"], parameters=parameters)
        if not is_done and not _is_kept(final, ticket):
            raise UploadError(
                f"The upload for {ticket.name!r} was replaced while it was looked at. Call "
                "finish_upload() again when nothing is being sent."
            )
    if not in_parts:
        try:
            waiting.remove()
        except AwsError as error:  # The file is kept, and what waits expires.
            logger.warning("%s", error)
    return ticket.name


def _check_what_arrived(ticket: _Ticket, arrived: Mapping[str, Any]) -> None:
    """Raise if something else waits than was signed; S3 should have refused it."""
    size, content_type = arrived["ContentLength"], arrived.get("ContentType")
    if (size, content_type) != (ticket.size, ticket.content_type):
        raise UploadError(
            f"What was sent for {ticket.name!r} has {size} bytes and the type {content_type!r}, "
            f"not {ticket.size} bytes and {ticket.content_type!r}. Send the file that was signed."
        )


def _etags(ticket: _Ticket, arrived: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """Return the ETag of each part. Raise if some have not arrived."""
    sizes = dict(enumerate(s3.part_sizes(ticket.size), start=1))
    missing = tuple(n for n, size in sizes.items() if arrived.get(n, {}).get("Size") != size)
    if missing:
        raise UploadIncomplete(
            f"{len(missing)} of {len(sizes)} parts of {ticket.name!r} have not arrived. Send those "
            "in error.missing to their URLs, then call finish_upload() again.",
            missing,
        )
    return {number: arrived[number]["ETag"] for number in sizes}


def _is_kept(final: s3.S3Object, ticket: _Ticket) -> bool:
    """Return whether the file is there; raise if another one has its name."""
    found = final.head()
    if found is not None and found.get("Metadata", {}).get(_ID) != ticket.id:
        raise UploadError(
            f"There is another file with the name {ticket.name!r}, which is left as it is. Sign a "
            "new upload."
        )
    return found is not None


def _read(storage: Any, token: str, owner: str) -> _Ticket:
    """Return what a token binds; raise if it is not for this owner and this storage."""
    try:
        ticket = _Ticket(**signing.loads(token, salt=_SALT, max_age=KEPT_FOR))
    except signing.SignatureExpired:
        raise UploadError(
            "This upload was signed more than 7 days ago, and what had arrived is deleted. Sign a "
            "new upload."
        ) from None
    except (signing.BadSignature, AttributeError, TypeError, ValueError):
        raise UploadError(
            "This is not the token of an upload, or it was changed. Pass Upload.token as "
            "sign_upload() returned it; SECRET_KEY must be the same, or in SECRET_KEY_FALLBACKS."
        ) from None
    # The viewer may see these messages: they do not name a file of somebody else.
    if ticket.owner != owner:
        raise UploadError(
            "This upload was signed for another owner. Pass the owner= that sign_upload() got, and "
            "refuse the request if that is somebody else."
        )
    if (storage.bucket_name, _key_of(storage, ticket.name)) != (ticket.bucket, ticket.key):
        raise UploadError(
            "This upload was signed by another storage. Call finish_upload() of the storage whose "
            "sign_upload() made the token."
        )
    return ticket


def _key_of(storage: Any, name: Any) -> str:
    """Return the key of a final name. Raise for one that no upload may have."""
    refuse_dot_dot(name)
    key: str = ""
    if isinstance(name, str) and is_exact_name(name):
        key = storage._normalize_name(clean_name(name))
    if not is_exact_name(key):
        raise ValueError(
            f"The name {str(name).partition('?')[0]!r} is not the name of a file. It must be one "
            "such as 'documents/report.pdf', without a slash at either end, an empty part, a "
            f"backslash or a line break, and have at most {MAX_NAME_LENGTH} bytes with the "
            "location of the storage and the folder that sign_upload() adds."
        )
    # In whatever folder: the lifecycle rule may be for another location in this bucket.
    if f"/{FOLDER}" in f"/{key}":
        raise ValueError(
            f"The name {name!r} lies below {FOLDER}, where files expire. Give it another folder."
        )
    return key


def _refuse_public(storage: Any, name: str) -> None:
    """Raise for a name that anybody may open: what a browser sends must be looked at before."""
    if storage.is_public(name):
        raise ValueError(
            f"The name {name!r} is public, by the option public of the storage. Sign uploads for a "
            "private folder, look at what has arrived, and save it under a public name yourself."
        )


def _objects(storage: Any, ticket: _Ticket) -> list[s3.S3Object]:
    """Return the file, and what waits for it."""
    keys = ticket.key, storage._normalize_name(FOLDER + ticket.id)
    return [s3.S3Object(storage.connection.meta.client, ticket.bucket, key) for key in keys]


def _parameters(storage: Any, key: str, content_type: str | None, id: str = "") -> dict[str, Any]:
    """Return the parameters of a file, with the ID by which a second finish() knows it."""
    file = SimpleNamespace(content_type=content_type)
    found: dict[str, Any] = storage._get_write_parameters(key, file)
    return {**found, "Metadata": {**found.get("Metadata", {}), _ID: id}}
