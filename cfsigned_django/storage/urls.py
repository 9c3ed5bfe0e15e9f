"""From a name to a URL that CloudFront serves: one route, for every kind of name.

    options -> address -> what is covered -> a signature of that, known or new -> URL

There is no fallback: a storage that must sign and cannot raises
:exc:`~django.core.exceptions.ImproperlyConfigured`. In development, a storage
on disk to which nobody gave a key derives one: see ``development.py``.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.utils.deconstruct import deconstructible
from django.utils.functional import cached_property
from storages.utils import clean_name

from cfsigned_django.core import conf, validation
from cfsigned_django.core.keyring import Lease
from cfsigned_django.logs import log_first
from cfsigned_django.signing import HashRefused
from cfsigned_django.signing.encoding import decode_path, encode_name, encode_path
from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.signing.policy import Policy
from cfsigned_django.signing.signer import Signer, join_signature, uncovered
from cfsigned_django.storage import batch, context, names, signatures
from cfsigned_django.storage.context import blocks, watches
from cfsigned_django.storage.deconstruction import GivenArguments, left_out_secrets, reduce_storage
from cfsigned_django.storage.options import (
    OWN_KEY,
    Option,
    ResolvedOptions,
    is_meant_to_sign,
    is_property,
    options_of,
    refuse_unknown,
    resolve as resolve_options,
)
from cfsigned_django.storage.query import FileName, add_disposition, build_query, join_query
from cfsigned_django.storage.signatures import IS_PUBLIC, UNSIGNED, Signature, Terms, covers

logger: Final = logging.getLogger("cfsigned_django.storage")

#: The options that this package adds to those of a storage class, and reads itself.
OWN_OPTIONS = (*conf.OPTIONS, "cloudfront_signer")

_URL: Final = re.compile(r"\s*(?:https?:)?//([^/?#]+)", re.IGNORECASE)
# Where a URL begins in a name: upload_to may have put a folder in front.
_START: Final = re.compile(r"(?<![^/])\s*https?://|^\s*//", re.IGNORECASE)
# Where the signature of a URL begins, also of one in the path of another.
_QUERY: Final = re.compile(r"\?|%(?:25)*3F", re.IGNORECASE)
_URL_AS_NAME: Final = (
    "The name %r is a URL of this storage, so no file is at its url(). Store the name, which "
    "name_of() returns. This is logged once for each storage."
)

#: How many signatures a storage keeps; they take about 10 MB.
KEPT_SIGNATURES: Final = 10_000
#: How many addresses of resources and folders are remembered with the options.
MAX_RESOURCES = 1000


@deconstructible
class SignedUrlMixin:
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put this class before a storage class whose ``url()`` returns the path of a
    file. It adds the options that the page about settings lists to those of the
    storage class. Each option is an attribute, whose value comes from the
    constructor, else from the class, else from its setting, which it follows.
    """

    cloudfront_key: Any = Option()
    cloudfront_key_id: Any = Option()
    custom_domain: Any = Option()
    url_protocol: Any = Option()
    querystring_auth: Any = Option()
    querystring_expire: Any = Option()
    expire_step: Any = Option()
    max_expire: Any = Option()
    hash_algorithm: Any = Option()
    key_group_id: Any = Option()
    distribution_id: Any = Option()
    invalidate_on: Any = Option()
    public: Any = Option()
    attachment_types: Any = Option()
    content_type_from_name: Any = Option()
    #: A signer here wins over the key of the options; None turns signing off.
    cloudfront_signer: Any = OWN_KEY

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.isfunction(inspect.getattr_static(cls, "cloudfront_key")):
            raise TypeError(
                f"{cls.__name__}.cloudfront_key is a function, which Python would call with the "
                "storage. Write cloudfront_key = staticmethod(function), or make it a property "
                "that returns the key."
            )
        if hasattr(cls, "get_cloudfront_signer") and cls.cfsigned is SignedUrlMixin.cfsigned:
            raise TypeError(
                f"{cls.__name__} puts SignedUrlMixin before django-storages' S3Storage, which has "
                "its own signer. Derive the class from CloudFrontS3Storage, which combines both."
            )

    def __init__(self, *args: Any, **options: Any) -> None:
        given = dict(options)
        try:
            options = conf.hide_all(options) | left_out_secrets(self, options)
            own = {name: options.pop(name) for name in OWN_OPTIONS if name in options}
            if options:
                self.cfsigned.refuse_unknown(options)
            for name, value in own.items():
                setattr(self, name, value)
            self.cfsigned.refuse_half_a_key()
            super().__init__(*args, **options)
        except Exception:
            conf.hide_in_storages(given)
            given.clear()  # A debug page prints the variables of this frame, too.
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. The options are resolved again at the next call."""
        super().__setattr__(name, conf.hide(name, value) if name in conf.OPTIONS else value)
        own: StorageInternals | None = vars(self).get("cfsigned")
        if own is not None:
            own.resolved = {}  # If another thread reads them now, it keeps them in the old one.

    @cached_property
    def cfsigned(self) -> StorageInternals:
        """See :class:`StorageInternals`. It is not public."""
        return StorageInternals(self)

    def url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        expire: int | timedelta | None = None,
        http_method: str | None = None,
        *,
        date_greater_than: datetime | int | None = None,
        ip_address: str | None = None,
        resource: str | None = None,
        folder: str | None = None,
        download: FileName = None,
        inline: FileName = None,
        expire_step: int | timedelta | None = None,
        allow_any_resource: bool = False,
    ) -> str:
        """Return a URL at which CloudFront serves the file for ``expire`` seconds.

        ``parameters`` go into the query, under boto3's or S3's names.
        ``download`` is the name under which browsers save the file, ``inline``
        that of a file which they show; True and an empty text mean its own base
        name, None and False mean no.

        A start (``date_greater_than``: Unix seconds or an aware datetime), an IPv4
        address or range, a ``folder`` or a ``resource`` make a custom policy.
        ``folder``, such as ``"albums/42"``, is data: it opens everything in
        that folder. ``resource``, such as ``"albums/*/thumb-*.jpg"``, is a
        pattern; one with nothing before its first ``*`` needs
        ``allow_any_resource``. Both are names in this storage and must cover
        ``name``. They are signed once for all names, as long as they expire at
        the same time. With ``expire_step``, in seconds, the expiry and the URL
        stay the same for a step, and the URL lives less than a step longer.

        A name that is public, by the option ``public``, gets the unsigned URL.

        Raise :exc:`ImproperlyConfigured` if the settings are not valid,
        :exc:`ValueError` if an argument is not, and
        :exc:`SuspiciousFileOperation` for a name with ``..``. Does not access
        the network; asks the database for the key once per interval.
        """
        # Read before the keyring, which may take a while: the lifetime counts from the call.
        now = time.time()
        own = self.cfsigned
        options = own.resolved.get(conf.generation) or own.resolve()
        unsafe = options.attachment_types
        if unsafe or (download, inline) != (None, None):
            parameters = add_disposition(parameters, name, download, inline, unsafe)
        if not options.signs:
            options.raise_refusal()
            signatures.refuse_conditions(UNSIGNED, date_greater_than, ip_address, resource, folder)
            return own.url_if_not_signing(name, parameters, expire, http_method)
        if http_method is not None:
            signatures.refuse_writing(http_method)

        address = own.address_of(name, options)
        if parameters:
            address = join_query(address, build_query(parameters))
        if options.public and own.declares_public(name, address, options):
            signatures.refuse_conditions(IS_PUBLIC, date_greater_than, ip_address, resource, folder)
            return address
        terms = options.terms
        if (expire, expire_step, date_greater_than, ip_address) != (None, None, None, None):
            terms = options.terms.changed(expire, expire_step, date_greater_than, ip_address)

        covered, signature = address, None
        if (resource, folder) != (None, None):
            wanted = (resource, folder, allow_any_resource)
            covered = own.resource_covering(address, wanted, options)
        elif blocks.get():
            signature = own.find_in_block(address, terms, options, now)
        if signature is None:
            signature = own.sign(covered, terms, options, now)
        if watches.get():
            context.note(signature.expires)
        return join_signature(address, signature.query)

    def unsigned_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        download: FileName = None,
        inline: FileName = None,
    ) -> str:
        """Return the CloudFront URL without a signature.

        It never changes, unlike a signed URL: use it as a cache key, for a
        thumbnail library, or if the files are public.
        """
        options = self.cfsigned.options()
        if not options.origin:
            options.raise_address_error()
        if download is not None or inline is not None:
            parameters = add_disposition(parameters, name, download, inline)
        return join_query(self.cfsigned.address_of(name, options), build_query(parameters))

    def is_public(self, name: str) -> bool:
        """Return whether a file that is saved under this name is public, by the option ``public``.

        Its URL is then the unsigned one, unless the name contains ``//``, which :meth:`url` signs
        in any case.
        """
        own = self.cfsigned
        options = own.options()
        if "public" in options.config.wrong:
            validation.raise_first_error(validation.find_wrong_values(options.config, ["public"]))
        if not options.public:
            return False
        try:
            names.refuse_dot_dot(name or "")
            # Twice, as save() does: after the first time, backslashes are slashes.
            saved = clean_name(clean_name(name or "")).replace("//", "/")
            address = own.address_of(saved, options)
        except (SuspiciousOperation, ValueError):
            return False
        return own.declares_public(saved, address, options)

    def name_of(self, url: str) -> str:
        """Return the name of the file that has this URL: the inverse of :meth:`url`.

        The URL may be signed or not; its signature is not verified, and may have
        expired. Raise :exc:`ValueError` for a URL that is not one of this storage, and
        for one of a name that the package's views take for none: with a line break,
        or longer than 1,024 bytes.
        """
        start = self.unsigned_url("x").removesuffix("x")
        shown = str(url).partition("?")[0]  # An error must not show a signature.
        try:
            given, own = urlsplit(shown), urlsplit(start)
            path, folder = (decode_path(each.path) for each in (given, own))
            name = path.removeprefix(folder)
            if (
                given.scheme in {"http", "https", ""}
                and given.netloc.lower() == own.netloc
                and name != path
                and names.is_exact_name(name.removesuffix("/"))
                and (
                    self.cfsigned.options().start
                    # A storage whose paths are not known may change a name.
                    or decode_path(urlsplit(self.unsigned_url(name)).path) == path
                )
            ):
                return name
        except (SuspiciousOperation, ValueError):
            pass  # No file can have this name.
        raise ValueError(
            f"{shown!r} is not the URL of a file in this storage: those begin with {start!r}. "
            "Pass a URL as url() returned it, to the storage that returned it."
        )

    def sign_cookies(
        self,
        resource: str | None = None,
        *,
        folder: str | None = None,
        expire: int | timedelta | None = None,
        date_greater_than: datetime | int | None = None,
        ip_address: str | None = None,
        allow_any_resource: bool = False,
    ) -> tuple[Policy, dict[str, str]]:
        """Return a policy, and the names and values of the cookies that carry it.

        The arguments are those of :meth:`url`: either a ``folder``, which is
        data, or a ``resource``, which is a pattern. The storage need not sign
        its URLs. :func:`cfsigned_django.cookies.set_signed_cookies` puts the
        cookies into a response, at the path that carries them.
        """
        now = int(time.time())
        options = self.cfsigned.must_sign()
        covered = self.resource_url(resource, folder=folder, allow_any_resource=allow_any_resource)
        terms = options.terms.changed(expire, 0, date_greater_than, ip_address)
        lease = options.lease()
        wanted = now + terms.lifetime
        expires = lease.cap_expiry(wanted, lifetime=terms.longest, now=now)
        policy = terms.policy(covered, expires=expires, now=now)
        try:
            cookies = lease.signer.sign_cookies(policy)
        except HashRefused:
            self.cfsigned.explain_refusal(lease.signer)
            raise
        context.note(expires)
        return policy, cookies

    def resource_url(
        self,
        resource: str | None = None,
        *,
        folder: str | None = None,
        allow_any_resource: bool = False,
    ) -> str:
        """Return the URL of a resource as a policy names it, with its wildcards.

        The arguments are those of :meth:`url`. Nothing is signed.
        """
        options = self.cfsigned.options()
        if not options.origin:
            options.raise_address_error()
        if resource is None and folder is None:
            raise ValueError('Give a folder, such as "videos/42", or a resource, to open.')
        return self.cfsigned.resource_address(resource, folder, allow_any_resource, options)

    def trusted_keys(self) -> dict[str, PublicKey]:
        """Return the public keys, by key pair ID, that verify the URLs of this storage.

        The storage need not sign its URLs. Raise :exc:`ImproperlyConfigured` if no key
        can sign, or if a signer was handed in whose public key is not known.
        """
        signer = self.cfsigned.lease().signer
        public_key = signer.private_key.public_key
        if public_key is None:
            raise ImproperlyConfigured(
                f"The signer {signer.key_pair_id} was handed in and has no public key, so its URLs "
                "cannot be verified here. Hand in a Signer whose private_key has a public_key."
            )
        return {signer.key_pair_id: public_key}

    # Files: names and invalidation

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Save a file. Raise :exc:`ValueError` for a URL of this storage, which is not a name."""
        self.cfsigned.refuse_url(getattr(content, "name", None) if name is None else name)
        return str(super().save(name, content, max_length=max_length))  # type: ignore[misc]

    def generate_filename(self, filename: str | os.PathLike[str]) -> str:
        """Return a name for :meth:`save`. Raise :exc:`ValueError` for a URL of this storage."""
        self.cfsigned.refuse_url(filename)
        return str(super().generate_filename(filename))  # type: ignore[misc]

    def delete(self, name: str) -> None:
        """Delete a file. CloudFront forgets it, too, if ``invalidate_on`` has "delete"."""
        with self.cfsigned.invalidating("delete", name):
            super().delete(name)  # type: ignore[misc]

    def _save(self, name: str, content: Any) -> str:
        """Save a file. CloudFront forgets what it replaces if ``invalidate_on`` has "overwrite"."""
        with self.cfsigned.invalidating("overwrite", name):
            return str(super()._save(name, content))  # type: ignore[misc]

    def sign_upload(self, *args: Any, **options: Any) -> Any:
        """Raise :exc:`ImproperlyConfigured`: browsers send files to S3, and to nothing else."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} does not keep files in S3, to which browsers send uploads. Use "
            "CloudFrontS3Storage. Development and tests can have an S3 server on this machine: "
            'the documentation has its command and settings, in "Uploads from the browser", "In '
            'development and in tests".'
        )

    # Copies

    def __copy__(self) -> Self:
        """Return a storage with the same options, given or assigned, and a separate cache."""
        twin = type(self).__new__(type(self))
        kept: Any = super().__getstate__()
        state: dict[str, Any] = dict(kept)
        state.pop("cfsigned", None)
        restore = getattr(super(SignedUrlMixin, twin), "__setstate__", vars(twin).update)
        restore(state)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    @property
    def _constructor_args(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What Django's ``deconstruct()`` returns: what the outermost constructor was given.

        Secrets are left out. Raise :exc:`ValueError` if that cannot be done.
        """
        given: GivenArguments = vars(self)["_given"]
        return given.visible(self)

    @_constructor_args.setter
    def _constructor_args(self, given: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
        # @deconstructible assigns it in __new__(): it has what the outermost constructor got.
        args, options = given
        vars(self)["_given"] = GivenArguments(args=args, options=options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the alias, or the class and what its constructor was given, nothing else."""
        return reduce_storage(self)


class StorageInternals:
    """The internals of a storage, ``storage.cfsigned``: its options, addresses and signatures.

    It is not in the mixin, whose subclasses are other people's code: a private name there could
    be one of theirs. With which key it signs, and for how long, is in
    :class:`~cfsigned_django.storage.options.ResolvedOptions`.
    """

    def __init__(self, storage: SignedUrlMixin) -> None:
        self.storage = storage
        # Whether the options change only if one is assigned or a setting changes.
        self._is_fixed = not any(is_property(storage, name) for name in (*OWN_OPTIONS, "location"))
        #: conf.generation -> the options as they were read in it, if they are fixed.
        self.resolved: dict[object, ResolvedOptions] = {}
        # The signatures that may be asked for again. They do not belong to the options, which a
        # class with a property has anew for each call.
        self._signatures: dict[Hashable, Signature] = {}

    # Options

    def options(self) -> ResolvedOptions:
        """Return the options as they are now, checked and resolved. No callable is called."""
        return self.resolved.get(conf.generation) or self.resolve(asks=False)

    def must_sign(self) -> ResolvedOptions:
        """Return the options of a storage that signs, be it only cookies; raise if it cannot."""
        options = self.options()
        return options if options.signs else self.resolve(must_sign=True)

    def lease(self) -> Lease:
        """Return which signer signs now, whether or not URLs are signed: see :class:`Lease`."""
        return self.must_sign().lease()

    def resolve(self, *, must_sign: bool = False, asks: bool = True) -> ResolvedOptions:
        """Return the resolved options, and keep them if they are fixed.

        ``asks``: if the key comes from a callable, call it, unless it was called before.
        """
        generation, kept = conf.generation, self.resolved  # before the options are read
        config = options_of(self.storage)
        if must_sign:
            config = replace(config, querystring_auth=True)
        is_meant_to = must_sign or is_meant_to_sign(config, self.storage.cloudfront_signer)
        options = resolve_options(
            config,
            self.handed_in() if is_meant_to else OWN_KEY,
            must_sign=is_meant_to,
            asks=asks,
            path_start=self.path_start,
        )
        if must_sign:
            options.raise_refusal()
        if self._is_fixed and not must_sign and not options.refusal:
            kept.clear()
            kept[generation] = options
        return options

    def theirs(self) -> Mapping[str, Any]:
        """Return the defaults that come before the settings: of the class, or of development."""
        return {}

    def handed_in(self) -> Any:
        """Return the signer that was handed in, or OWN_KEY."""
        signer = self.storage.cloudfront_signer
        return OWN_KEY if signer is None else signer

    def refuse_unknown(self, options: Mapping[str, Any]) -> None:
        """Raise for an option that the storage class does not have, with the nearest one."""
        constructor = super(SignedUrlMixin, self.storage).__init__
        taken = inspect.signature(constructor).parameters.values()
        if not any(each.kind is each.VAR_KEYWORD for each in taken):
            refuse_unknown(type(self.storage), options, [each.name for each in taken])

    def refuse_half_a_key(self) -> None:
        """Raise :exc:`ImproperlyConfigured` if there is a key without its ID, or an ID alone."""
        # url() reports all other mistakes: code that only stores files need not fail.
        names = ("cloudfront_key", "cloudfront_key_id")
        is_later = any(is_property(self.storage, name) for name in (*names, "cloudfront_signer"))
        if not is_later and self.storage.cloudfront_signer is OWN_KEY:
            given = {name: conf.hide(name, getattr(self.storage, name)) for name in names}
            validation.raise_first_error(validation.find_half_a_key(**given))

    # Addresses

    def address_of(self, name: str | None, options: ResolvedOptions) -> str:
        """Return the encoded URL of a file, without a query."""
        if options.start and isinstance(name, str):
            path = "/" + name + "/"
            if not ("//" in path or "/." in path or "\\" in path):
                return options.start + encode_name(name)  # Normalizing would not change it.
        names.refuse_dot_dot(name or "")
        if options.is_meant_to_sign:
            names.refuse_nameless(name)
        if self._is_own_url(name, options):
            subject = type(self.storage), options.origin, options.start
            log_first(subject, logger.warning, _URL_AS_NAME, _QUERY.split(str(name))[0])
        return options.origin + self.path_of(name or "")

    def refuse_url(self, name: object) -> None:
        """Raise :exc:`ValueError` for a URL of this storage where the name of a file belongs."""
        text = str(name)
        if any(self._is_own_url(text[at.start() :]) for at in _START.finditer(text)):
            raise ValueError(
                f"The name {_QUERY.split(str(name))[0]!r} is a URL of this storage. Pass the "
                "name of the file: name_of() returns it."
            )

    def _is_own_url(self, name: object, options: ResolvedOptions | None = None) -> bool:
        if (found := _URL.match(str(name))) is None:
            return False
        return found[1].lower() == urlsplit((options or self.options()).origin).netloc

    def path_of(self, name: str) -> str:
        """Return the encoded path of a file, with a slash at its beginning."""
        # The url() of the storage class behind the mixin. It may be absolute: only its path counts.
        url: str = super(SignedUrlMixin, self.storage).url(name)  # type: ignore[misc]
        path = encode_path(urlsplit(url).path).replace("*", "%2A")
        return path if path.startswith("/") else f"/{path}"

    def path_start(self) -> str:
        """Return the path that precedes each encoded name; empty if a name needs more than that."""
        return ""

    def resource_covering(
        self, address: str, wanted: tuple[str | None, str | None, bool], options: ResolvedOptions
    ) -> str:
        """Return the URL of a resource or a folder; raise :exc:`InvalidPolicy` if it is elsewhere.

        ``wanted`` are the arguments of :meth:`resource_address`. The URL is remembered with the
        options, if the same name always means the same path.
        """
        # A lazy translation, which is refused, would find the entry of the text that it equals.
        is_kept = options.start and isinstance(wanted[0] or wanted[1], str)
        covered = options.resources.get(wanted) if is_kept else None
        if covered is None:
            covered = self.resource_address(*wanted, options)
            if len(options.resources) >= MAX_RESOURCES:
                options.resources.clear()
            if is_kept:
                options.resources[wanted] = covered
        if not covers(covered, address):
            raise uncovered(address, covered)
        return covered

    def declares_public(self, name: str | None, address: str, options: ResolvedOptions) -> bool:
        """Return whether the file at an encoded address is public, by the option ``public``."""
        if "//" in str(name).replace("\\", "/"):
            return False  # It may be made of data: f"covers/{slug}/a.jpg", with an empty slug.
        start = options.start or self.address_of("x", options)[:-1]
        path, public = address.partition("?")[0], options.public
        if not callable(public):
            return path.startswith(tuple([start + each for each in public]))
        normalized = decode_path(path.removeprefix(start))
        found = normalized != "" and public(normalized)
        if type(found) is not bool:
            raise TypeError(
                f"The option public returned an object of type {type(found).__name__} for "
                f"{normalized!r}. It must return True or False."
            )
        return found

    def resource_address(
        self,
        resource: str | None,
        folder: str | None,
        allow_any_resource: bool,
        options: ResolvedOptions,
    ) -> str:
        """Return the URL of a resource, in which ``*`` is a wildcard, or of a whole folder."""
        if folder is not None:
            if resource is not None:
                raise ValueError("Give either folder or resource, not both.")
            names.check_folder(folder)
            # The address of a file in the folder, with * instead of the file's name.
            return self.address_of(f"{folder}/x", options)[:-1] + "*"
        names.check_resource_name(resource, allow_any_resource)
        # The last %2A are the wildcards of the resource: those before them are the location's.
        parts = self.address_of(resource, options).rsplit("%2A", str(resource).count("*"))
        return "*".join(parts)

    def url_if_not_signing(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
    ) -> str:
        """Return the URL from a storage that does not sign."""
        if http_method is not None:
            signatures.refuse_writing(http_method)
        return self.storage.unsigned_url(name, parameters)

    # Signatures

    def sign(self, covered: str, terms: Terms, options: ResolvedOptions, now: float) -> Signature:
        """Return the signature of an address or a resource: the one that is kept, or a new one.

        A signature is kept under what it covers, its terms and its key, and used again as long as
        a new one would expire at the same time.
        """
        lease, second = options.lease(), int(now)
        expires = second + terms.lifetime
        if terms.step:
            expires = signatures.round_up_expiry(expires, terms.step, covered)
        if expires > lease.good_until + terms.longest:  # The database does not answer.
            expires = lease.cap_expiry(expires, lifetime=terms.longest, now=second)
        # Without a step, the next second has another expiry. Many files may share a resource within
        # this one, but an address is seldom asked for twice: it is signed at each call.
        start, ip_address, kept_under = terms.date_greater_than, terms.ip_address, None
        if terms.step or "*" in covered:
            of_terms = (terms.lifetime, terms.step, start, ip_address)
            kept_under = (covered, of_terms, lease.signer.identity)
            signature = self._signatures.get(kept_under)
            if signature is not None and signature.expires == expires:
                return signature
        try:
            if start is None and ip_address is None and "*" not in covered:
                # A canned policy is enough.
                query = lease.signer.sign_address(covered, expires)
            else:
                policy = terms.policy(covered, expires=expires, now=second)
                query = lease.signer.sign_policy(policy).query
        except HashRefused:
            self.explain_refusal(lease.signer)
            raise
        signature = Signature(expires=expires, query=query)
        if kept_under:
            kept = self._signatures  # Read without a lock.
            kept.pop(kept_under, None)
            if len(kept) >= KEPT_SIGNATURES:
                for oldest in list(kept)[: len(kept) // 8 + 1]:
                    kept.pop(oldest, None)
            kept[kept_under] = signature
        return signature

    def find_in_block(
        self, address: str, terms: Terms, options: ResolvedOptions, now: float
    ) -> Signature | None:
        """Return the signature of the innermost block that covers the address, if one does.

        A call that has its own terms obeys no block.
        """
        # By identity: an argument counts, even if it says the same as the options.
        blocks = context.open_blocks() if terms is options.terms else ()
        for block in blocks:
            covered = block.find(address)
            if covered is None or not self._signs_like(block.storage, options):
                continue
            signature = block.known(covered, now)
            if signature is None:
                signature = self.sign(
                    covered, options.terms.changed(**block.arguments), options, now
                )
                block.signed[covered] = now, signature
            return signature
        return None

    def _signs_like(self, other: SignedUrlMixin, options: ResolvedOptions) -> bool:
        """Return whether the other storage is this one, or another instance of the same options.

        Fields with ``storage=MediaStorage()`` and thumbnail libraries make their own.
        """
        own = self.storage
        return other is own or (
            type(other) is type(own)
            and all(
                getattr(other, name, None) == getattr(own, name, None)
                for name in ("cloudfront_signer", "bucket_name", "location")
            )
            and other.cfsigned.options().config == options.config
        )

    def explain_refusal(self, signer: Signer) -> None:
        """Raise the error of the check, if a setting decides which hash the key signs with."""
        if self.handed_in() is not OWN_KEY:
            return
        if signer.key_pair_id == self.storage.cloudfront_key_id:
            validation.raise_first_error([validation.hash_refused()])
        # The checks only know the key of the settings, if there is one.
        validation.raise_first_error(
            [validation.hash_refused(f"{signer.key_pair_id} of the database")]
        )

    # Invalidation

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine, where no distribution serves them."""
        return isinstance(self.storage, FileSystemStorage | InMemoryStorage)

    @contextmanager
    def invalidating(self, event: str, name: str) -> Iterator[None]:
        """Let CloudFront forget a file once the block has changed it in S3, if it must then."""
        # Not by the options, which may be known in a request only: files change elsewhere, too.
        is_forgotten = event in (self.storage.invalidate_on or ()) and not self.is_local
        if is_forgotten and event == "overwrite":
            with suppress(Exception):  # Saving must not fail for this.
                is_forgotten = self.storage.exists(name)  # type: ignore[attr-defined]
        if is_forgotten:
            found = self.invalidated([name])  # before the file is gone
        yield
        if is_forgotten:
            batch.add(*found)

    def invalidated(self, names: Iterable[str], folder: str | None = None) -> tuple[str, list[str]]:
        """Return the distribution, and the items for files and everything in a folder.

        Both are empty for files of this machine. Raise the error of the check if no ID is set, and
        :exc:`ValueError` for a name that means the folder of the storage.
        """
        if self.is_local:
            return "", []
        options = self.options()
        if not options.config.distribution_id:
            validation.raise_first_error([validation.no_distribution()])
        items: list[str] = []
        for name in names:
            path = self.path_of(name)  # Not address_of(): S3 storages resolve "..".
            if path.rstrip("/") == self.path_of("").rstrip("/"):
                raise ValueError(
                    f"The name {name!r} is not the name of a file. Pass the name as the storage "
                    'returned it from save(), or a folder, such as "albums/42", as the folder.'
                )
            items += batch.spellings(options.origin + path)
        if conf.Site.INVALIDATE_VARIANTS.read():
            items += [f"{each}?*" for each in items]
        if folder is not None:
            items += batch.spellings(self.resource_address(None, folder, False, options))
        return str(options.config.distribution_id), items
