"""Use a Django storage as the origin of the local edge, and build an edge in front of it."""

from __future__ import annotations

import io
import mimetypes
import posixpath
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.apps import apps
from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from django.core.validators import FileExtensionValidator
from django.db.models import FileField, ImageField
from django.utils import timezone

from cfsigned_django.core.validation import find_no_folder, find_wrong_values, raise_first_error
from cfsigned_django.storage.names import is_exact_name
from cfsigned_django.storage.site_storages import storage_within
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.edge import Behavior, Distribution
from cfsigned_django.tools.edge.local_distribution import REASON_KEY
from cfsigned_django.tools.edge.requests import raw_target
from cfsigned_django.tools.edge.s3_object import S3Response, StoredObject, answer, s3_error
from cfsigned_django.tools.edge.stack_policies import MANAGED, response_headers_policy
from cfsigned_django.tools.model.behaviors import check_path_pattern

_PROBE = "x"
# The endings of files in which a browser runs scripts.
_RUN_SCRIPTS = {"svg", "html", "htm", "xhtml", "xml"}
_KEY_GROUP = "configured"


class StorageOrigin:
    """Serve the files of any Django storage that can ``open()`` them, as S3 would.

    This is a WSGI application. Raise :exc:`ImproperlyConfigured` for files on
    disk without a folder: Django takes the current one, in which the settings
    may be.

    The answer for a missing file is S3's 403 "Access Denied", not 404. S3 does
    the same for a reader who may get objects but not list them, and the
    documented bucket policy gives CloudFront s3:GetObject only.
    """

    def __init__(self, storage: Storage) -> None:
        if isinstance(storage, FileSystemStorage):
            raise_first_error(find_no_folder(storage))
        self._storage = storage
        self._base_path = find_base_path(storage)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(environ)(environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> S3Response:
        if environ["REQUEST_METHOD"] == "OPTIONS":
            message = "CORSResponse: CORS is not enabled for this bucket."
            environ[REASON_KEY] = message
            return s3_error("403 Forbidden", "AccessForbidden", message)
        name = self._name(raw_target(environ).partition("?")[0])
        stored = self._find(name) if name else None
        if stored is None:
            environ[REASON_KEY] = (
                f"the storage has no file {name!r}" if name else "the path is not a file's"
            )
            return s3_error("403 Forbidden", "AccessDenied", "Access Denied")
        return answer(stored, environ)

    def _name(self, raw_path: str) -> str | None:
        """Return the name in the storage that a path stands for, or None.

        Return None also for a name that a storage would normalize: S3 takes
        keys as they are, so normalizing must not lead to another file.
        """
        if not raw_path.startswith(self._base_path):
            return None
        try:
            name = unquote_to_bytes(raw_path.removeprefix(self._base_path)).decode()
        except UnicodeDecodeError:
            return None
        return name if is_exact_name(name) else None

    def _find(self, name: str) -> StoredObject | None:
        """Return what S3 would know of the file; None if the storage has no such file."""
        try:
            file = self._storage.open(name, "rb")
        except (OSError, SuspiciousOperation):
            return None
        with file:
            size = file.size
        modified = self._modified(name)
        content_type, content_encoding = mimetypes.guess_type(name)
        return StoredObject(
            size=size,
            content_type=content_type or "application/octet-stream",
            content_encoding=content_encoding,
            etag=f'"{int(modified.timestamp() * 1_000_000):x}-{size:x}"',
            last_modified=modified,
            open=lambda: self._open(name),
        )

    def _open(self, name: str) -> BinaryIO:
        file = self._storage.open(name, "rb")
        if isinstance(self._storage, InMemoryStorage):
            # InMemoryStorage hands out one file object with one position, and the edge serves
            # several viewers at once.
            return io.BytesIO(cast("io.BytesIO", file.file).getvalue())
        return cast("BinaryIO", file)

    def _modified(self, name: str) -> datetime:
        try:
            modified = self._storage.get_modified_time(name)
        except NotImplementedError:
            # A storage may not know. A constant keeps ETags stable.
            return datetime.fromtimestamp(0, UTC)
        if timezone.is_naive(modified):
            modified = timezone.make_aware(modified)
        return modified.astimezone(UTC)


def find_base_path(storage: Storage) -> str:
    """Return the path that the storage's own URLs have in front of a name."""
    make_url = getattr(storage, "unsigned_url", storage.url)
    try:
        path = urlsplit(make_url(_PROBE)).path
    except ValueError:
        # A storage without a base_url has no URLs.
        return "/"
    return path.removesuffix(_PROBE)


def public_patterns(storage: SignedUrlMixin) -> tuple[str, ...]:
    """Return the path patterns of the folders that the option ``public`` of a storage names."""
    options = storage.cfsigned.options()
    raise_first_error(find_wrong_values(options.config, ["public"]))
    folders = () if callable(options.public) else options.public
    return tuple(
        urlsplit(storage.cfsigned.resource_address(None, each[:-1], False, options)).path[1:]
        for each in folders
    )


def static_patterns(storage: SignedUrlMixin) -> tuple[str, ...]:
    """Return the path pattern of static files that are on the domain of a storage.

    Return nothing if the files of the storage are below it.
    """
    ours = _address(storage, _PROBE)
    with suppress(Exception):  # of a storage that is not there, or cannot be made here
        static = urlsplit(storages["staticfiles"].url("x/"))  # a manifest has no folders
        folder = static.path.removesuffix("x/")
        if static.hostname == ours.hostname and not ours.path.startswith(folder):
            return (f"{folder[1:]}*",)
    return ()


def saved_patterns(storage: SignedUrlMixin) -> dict[FileField, str]:
    """Return each file field of a storage, and the pattern of the paths that it saves.

    It ends where ``upload_to`` has a date. It is empty if nothing is left, or for a callable.
    """
    found = {}
    for field in (each for model in apps.get_models() for each in model._meta.get_fields()):
        if not isinstance(field, FileField):
            continue
        with suppress(Exception):  # of a storage of the site, or a folder that no file can have
            if _address(storage_within(field.storage), _PROBE) != _address(storage, _PROBE):
                continue
            text = "" if callable(field.upload_to) else str(field.upload_to)
            folder, date, _ = text.partition("%")
            name = f"{folder}{_PROBE}" if date else posixpath.join(folder, _PROBE)
            path = _address(storage, name).path.removesuffix(_PROBE)
            found[field] = f"{path}*" if folder else ""
    return found


def unguarded(storage: SignedUrlMixin, fields: Iterable[FileField]) -> tuple[str, ...]:
    """Return what takes SVG and HTML of users that only a header or a query keeps from running.

    There is nothing if S3 keeps such files as attachments, with the type of their name.
    """
    with suppress(Exception):  # of a method of the site, or of a storage that has none
        kept = [storage.get_object_parameters(f"x.{each}") for each in _RUN_SCRIPTS]  # type: ignore[attr-defined]
        if storage.content_type_from_name is True and all(
            "attachment" in each["ContentDisposition"] for each in kept
        ):
            return ()
    found = [each for each in fields if not any(map(_is_guard, (each, *each.validators)))]
    return (*(["attachment_types"] if storage.attachment_types else ()), *map(str, found))


def _is_guard(part: Any) -> bool:
    if isinstance(part, FileExtensionValidator):
        return not _RUN_SCRIPTS & set(part.allowed_extensions or _RUN_SCRIPTS)
    return isinstance(part, ImageField)


def _address(storage: SignedUrlMixin, name: str) -> SplitResult:
    return urlsplit(storage.cfsigned.address_of(name, storage.cfsigned.options()))


def choose_public(
    storages: Iterable[SignedUrlMixin], given: Sequence[str], argument: str
) -> tuple[list[str], str]:
    """Return the path patterns to open, and what else is public, for a person to open.

    The only public folder of the storages is opened. Several folders, a callable, and a folder
    that no path pattern can have are left to a person, and the patterns are those that are
    given. Raise :exc:`ValueError` if another one than that of the only folder is given.
    """
    storages = [each for each in storages if each.public]
    found = list(dict.fromkeys(each for storage in storages for each in public_patterns(storage)))
    if any(callable(each.public) for each in storages):
        found.append("what the callable in the option public allows")
    elif len(found) == 1 and _is_path_pattern(found[0]):
        others = [each for each in given if each.removeprefix("/") != found[0]]
        if others:
            raise ValueError(
                f"{argument} is {others[0]!r}, but the option public of the storage opens "
                f"{found[0]!r} alone. Leave {argument} out, or change that option."
            )
        return found, ""
    return list(given), ", ".join(found)


def _is_path_pattern(text: str) -> bool:
    try:
        check_path_pattern(text)
    except ValueError:
        return False  # The location has a character that no path pattern can have.
    return True


def distribution_for(
    storage: SignedUrlMixin,
    origin: WSGIApplication,
    *,
    public: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
    managed_policies: bool = False,
) -> Distribution:
    """Return a distribution that serves the URLs of a storage, from the origin.

    The distribution is as one of the stack's template: it has the template's
    policies, with CORS for ``cors_origins``; with ``managed_policies``, those of
    AWS. It has the storage's domain and protocol, and trusts the storage's keys,
    which it reads again for each request. Paths that match a pattern in ``public``
    need no signature; by default, that is the one public folder of the storage.
    Raise :exc:`ValueError` for a pattern or an origin that would not be accepted,
    and see :func:`choose_public`.
    """
    opened, _ = choose_public([storage], public, "public")
    if managed_policies and cors_origins:
        raise ValueError(
            "AWS's managed policies let pages of every origin (*) read files by script, never with "
            "cookies. Leave the origins for CORS out."
        )
    own = response_headers_policy(cors_origins)
    policies: dict[str, Any] = MANAGED if managed_policies else {"response_headers_policy": own}
    return Distribution(
        domain_names=(storage.custom_domain,),
        behaviors=(
            *(Behavior(path_pattern=each, **policies) for each in opened),
            Behavior(trusted_key_groups=(_KEY_GROUP,), **policies),
        ),
        key_groups=lambda: {_KEY_GROUP: storage.trusted_keys()},
        origin=origin,
        viewer_scheme=storage.url_protocol.removesuffix(":"),
    )
