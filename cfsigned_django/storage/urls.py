"""From a name to a URL that CloudFront serves: one route, for every kind of name.

    look in the cache for the arguments of the call
    else: options -> address -> expiry -> key -> a signed resource that covers it, or a signature

There is no fallback: a storage that must sign and cannot raises
:exc:`~django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.utils.deconstruct import deconstructible

from cfsigned_django import conf, keyring
from cfsigned_django.conf import Config, LazyPrivateKey
from cfsigned_django.keyring import Lease
from cfsigned_django.signing import (
    HashRefused,
    InvalidKey,
    Policy,
    PublicKey,
    Signer,
)
from cfsigned_django.signing.encoding import encode_path
from cfsigned_django.storage import context
from cfsigned_django.storage.arguments import (
    check_folder,
    check_resource_name,
    join_query,
    lifetime,
    refuse_conditions,
    refuse_dot_dot,
    refuse_late_start,
    refuse_nameless,
    refuse_writing,
    round_up_expiry,
    step_seconds,
)
from cfsigned_django.storage.cache import NEVER_KEPT, Signed, prefix_of
from cfsigned_django.storage.context import NOTHING, current
from cfsigned_django.storage.deconstruction import SECRET_OPTIONS, GivenArguments, unpickle
from cfsigned_django.storage.options import (
    OWN_KEY,
    ResolvedOptions,
    Setting,
    adopt_signer,
    find_missing_app,
    log_once,
    resolve,
)
from cfsigned_django.storage.query import FileName, add_disposition, build_query
from cfsigned_django.validation import (
    PROBE_NAME,
    find_address_problems,
    find_half_a_key,
    find_problems,
    hash_refused,
    raise_first_error,
    sign_probe,
)

#: How many seconds the URL of a probe is valid: more than clocks may differ.
PROBE_SECONDS = 600

#: The arguments of a call that has no expire, step, address, start, resource or folder.
_NOTHING_OWN = (None,) * 6


@deconstructible
class SignedUrlMixin:
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put this class before a storage class whose ``url()`` returns the path of a
    file. It adds the options that the page about settings lists to those of the
    storage class. Each option is an attribute, whose value comes from the
    constructor, else from the class, else from its setting, which it follows.
    """

    cloudfront_key: Any = Setting()
    cloudfront_key_id: Any = Setting()
    custom_domain: Any = Setting()
    url_protocol: Any = Setting()
    querystring_auth: Any = Setting()
    querystring_expire: Any = Setting()
    expire_step: Any = Setting()
    max_expire: Any = Setting()
    url_cache_size: Any = Setting()
    hash_algorithm: Any = Setting()
    key_group_id: Any = Setting()
    #: A signer here wins over the key of the options; None turns signing off.
    cloudfront_signer: Any = OWN_KEY

    #: Whether the options, and the path of a name, change only if an option is assigned or a
    #: setting changes. Decided when the class is created.
    _options_are_fixed = True
    _paths_are_fixed = False

    _resolved_options: ResolvedOptions | None = None
    _options_version: object = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "get_cloudfront_signer") and cls._address_of is SignedUrlMixin._address_of:
            raise TypeError(
                f"{cls.__name__} puts SignedUrlMixin before django-storages' S3Storage, which has "
                "its own signer. Derive the class from CloudFrontS3Storage, which combines both."
            )
        names = (*conf.OPTIONS, "cloudfront_signer", "location")
        cls._options_are_fixed = not any(_is_property(cls, name) for name in names)
        cls._paths_are_fixed = cls._options_are_fixed and cls._has_fixed_paths()

    def __init__(self, *args: Any, **options: Any) -> None:
        given = dict(options)
        try:
            options = {name: conf.hide(name, value) for name, value in options.items()}
            own = {name: options.pop(name) for name in OWN_OPTIONS if name in options}
            if options:
                self._refuse_unknown(options)
            for name, value in own.items():
                setattr(self, name, value)
            self._refuse_half_a_key()
            super().__init__(*args, **options)
        except Exception:
            conf.hide_in_storages(given)
            given.clear()  # A debug page prints the variables of this frame, too.
            raise

    def _refuse_half_a_key(self) -> None:
        # url() reports all other mistakes: code that only stores files need not fail.
        names = ("cloudfront_key", "cloudfront_key_id")
        is_later = any(_is_property(type(self), name) for name in (*names, "cloudfront_signer"))
        if not is_later and self.cloudfront_signer is OWN_KEY:
            raise_first_error(find_half_a_key(**self._read(names, self._setting_defaults())))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. The options are resolved again at the next call."""
        super().__setattr__(name, conf.hide(name, value) if name in conf.OPTIONS else value)
        own = vars(self)
        own["_options_version"] = object()  # First: see _resolve_options().
        own["_resolved_options"] = None

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
        name, None and False mean no. A start (``date_greater_than``: Unix
        seconds or an aware datetime), an IPv4 address or range, a ``folder`` or
        a ``resource`` make a custom policy.
        ``folder``, such as ``"albums/42"``, is data: it opens everything in
        that folder. ``resource``, such as ``"albums/*/thumb-*.jpg"``, is a
        pattern; one with nothing before its first ``*`` needs
        ``allow_any_resource``. Both are names in this storage and must cover
        ``name``. They are signed once for all names, as long as they expire at
        the same time. With ``expire_step``, in seconds, the expiry and the URL
        stay the same for a step, and the URL lives less than a step longer.

        Raise :exc:`ImproperlyConfigured` if the settings are not valid,
        :exc:`ValueError` if an argument is not, and
        :exc:`SuspiciousFileOperation` for a name with ``..``. Does not access
        the network; asks the database for the key once per interval.
        """
        if download is not None or inline is not None:
            parameters = add_disposition(parameters, name, download, inline)
        # Read before the keyring, which may take a while: the lifetime counts from the call.
        now = time.time()
        # Inlined from _current_options(): a cached URL takes 0.4 us.
        options = self._resolved_options
        if options is None or options.generation is not conf.generation:
            options = self._resolve_options()
        query = build_query(parameters) if parameters and options.is_signing else ""
        around = current.get()
        if around is not NOTHING and around.blocks:
            own = (expire, expire_step, ip_address, date_greater_than, resource, folder)
            if own == _NOTHING_OWN:
                url = self._url_in_block(name, query, http_method, options, now)
                if url:
                    return url
        # Most calls pass a name and nothing else.
        call: Hashable = name
        is_shared = False
        if not (
            expire is None
            and expire_step is None
            and not query
            and http_method is None
            and ip_address is None
            and resource is None
            and folder is None
            and date_greater_than is None
        ):
            is_shared = folder is not None or (resource is not None and "*" in resource)
            call = NEVER_KEPT
            if date_greater_than is None:
                call = (
                    None if is_shared else name,
                    None if is_shared else query,
                    http_method,
                    expire,
                    expire_step,
                    # True and 1.0 equal 1, but are refused.
                    expire.__class__,
                    expire_step.__class__,
                    ip_address,
                    resource,
                    folder,
                    allow_any_resource,
                )
        known = options.cache.entries.get(call)
        if known is not None and known.since <= now < known.until:
            if around is not NOTHING:
                context.note(known.expires)
            if not is_shared:
                return known.url
            return known.url_for(join_query(self._address_of(name, options), query))

        if not options.is_signing:
            refuse_conditions(date_greater_than, ip_address, resource, folder)
            return self._public_url(name, parameters, expire, http_method)
        if options.refusal:
            raise ImproperlyConfigured(options.refusal)
        if http_method is not None:
            refuse_writing(http_method)
        covered = address = join_query(self._address_of(name, options), query)
        if resource is not None or folder is not None:
            covered = self._resource_address(resource, folder, options, allow_any_resource)

        signer, expires, until, is_stable = self._decide(covered, options, now, expire, expire_step)
        signed = None
        try:
            if known is not None and known.signer is signer and known.expires == expires:
                url, signed = known.url, known.signed
            elif covered == address and date_greater_than is None and ip_address is None:
                url = signer.sign_address(address, expires)
            else:
                if date_greater_than is not None:
                    refuse_late_start(date_greater_than, expires, int(now))
                policy = Policy(
                    resource=covered,
                    date_less_than=expires,
                    date_greater_than=date_greater_than,
                    ip_address=ip_address,
                )
                signed = signer.sign_policy(policy)
                url = ""
        except HashRefused:
            self._explain_refusal(options)
            raise
        if signed is not None:
            url = signed.url(address)
        if until and call is not NEVER_KEPT and (is_shared or is_stable):
            entry = Signed(
                since=now,
                until=until,
                expires=expires,
                signer=signer,
                url="" if is_shared else url,
                signed=signed if is_shared else None,
                prefix=prefix_of(covered) if is_shared else None,
            )
            options.cache.keep(call, entry)
        return url

    def _url_in_block(
        self,
        name: str | None,
        query: str,
        http_method: str | None,
        options: ResolvedOptions,
        now: float,
    ) -> str:
        """Return the URL that a surrounding block signs; empty if none of them covers it."""
        if not options.is_signing or options.refusal:
            return ""
        address = join_query(self._address_of(name, options), query)
        for block in context.open_blocks():
            covered = block.find(address)
            if covered is None or not self._signs_like(block.storage, options):
                continue
            if http_method is not None:
                refuse_writing(http_method)
            signed = block.signed.get(covered)
            if signed is None or not signed.since <= now < signed.until:
                signed = block.signed[covered] = self._sign_for(block, covered, options, now)
            context.note(signed.expires)
            return signed.url_for(address)
        return ""

    def _signs_like(self, other: SignedUrlMixin, options: ResolvedOptions) -> bool:
        """Return whether the other storage is this one, or another instance of the same options.

        Fields with ``storage=MediaStorage()`` and thumbnail libraries make their own.
        """
        return other is self or (
            type(other) is type(self)
            and other.cloudfront_signer is self.cloudfront_signer
            and other._current_options().config == options.config
        )

    def _sign_for(
        self, block: context.Block, covered: str, options: ResolvedOptions, now: float
    ) -> Signed:
        """Return the signature of a resource, which its block uses for half of its life."""
        signer, expires, _, _ = self._decide(covered, options, now, block.expire, block.expire_step)
        policy = Policy(resource=covered, date_less_than=expires, ip_address=block.ip_address)
        try:
            signed = signer.sign_policy(policy)
        except HashRefused:
            self._explain_refusal(options)
            raise
        return Signed(
            since=now,
            until=(now + expires) / 2,
            expires=expires,
            signer=signer,
            signed=signed,
            prefix=prefix_of(covered),
        )

    def _decide(
        self,
        covered: str,
        options: ResolvedOptions,
        now: float,
        expire: int | timedelta | None,
        expire_step: int | timedelta | None,
    ) -> tuple[Signer, int, float, bool]:
        """Return signer, expiry, ``until`` and ``is_stable`` for an address or a resource.

        A call returns the same URL until ``until``. If the expiry was cut short
        because the database does not answer, ``until`` is 0, and nothing may be
        cached. Both times are Unix seconds. ``is_stable`` says whether the
        expiry stays the same for a step.
        """
        second = int(now)
        seconds = options.expire if expire is None else lifetime(expire, options.max_expire)
        step = options.step
        if expire_step is not None or (step and seconds + step > options.longest):
            step = step_seconds(step if expire_step is None else expire_step, seconds, options)
        expires = wanted = second + seconds
        if step:
            expires = wanted = round_up_expiry(wanted, step, covered)
        lease = self._lease_signer(options)
        if lease.seen_at is not None:
            expires = lease.cap_expiry(wanted, lifetime=options.longest, now=second)
        if current.get() is not NOTHING:
            context.note(expires)
        until = min(wanted - seconds + 1, lease.fresh_until) if expires == wanted else 0
        # A float, like the clock: Python compares the two faster than a float and an int.
        return lease.signer, expires, float(until), bool(step)

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
        options = self._current_options()
        if not options.origin:
            raise_first_error(find_address_problems(self.signing_config()))
        if download is not None or inline is not None:
            parameters = add_disposition(parameters, name, download, inline)
        return join_query(self._address_of(name, options), build_query(parameters))

    def name_of(self, url: str) -> str:
        """Return the name of the file that has this URL: the inverse of :meth:`url`.

        The URL may be signed or not; its signature is not verified, and may have
        expired. Raise :exc:`ValueError` for a URL that is not one of this storage.
        """
        start = self.unsigned_url("x").removesuffix("x")
        shown = str(url).partition("?")[0]  # An error must not show a signature.
        try:
            given, own = urlsplit(shown), urlsplit(start)
            path, folder = (unquote(each.path, errors="strict") for each in (given, own))
            name = path.removeprefix(folder)
            if (
                given.scheme in {"http", "https", ""}
                and given.netloc.lower() == own.netloc
                and name != path
                and name
                # A name that the storage would change, such as a//b, has another URL.
                and unquote(urlsplit(self.unsigned_url(name)).path) == path
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
        now = time.time()
        options = self._signing_options()
        covered = self.resource_url(resource, folder=folder, allow_any_resource=allow_any_resource)
        signer, expires, _, _ = self._decide(covered, options, now, expire, expire_step=0)
        if date_greater_than is not None:
            refuse_late_start(date_greater_than, expires, int(now))
        policy = Policy(
            resource=covered,
            date_less_than=expires,
            date_greater_than=date_greater_than,
            ip_address=ip_address,
        )
        try:
            return policy, signer.sign_cookies(policy)
        except HashRefused:
            self._explain_refusal(options)
            raise

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
        options = self._current_options()
        if not options.origin:
            raise_first_error(find_address_problems(self.signing_config()))
        if resource is None and folder is None:
            raise ValueError('Give a folder, such as "videos/42", or a resource, to open.')
        return self._resource_address(resource, folder, options, allow_any_resource)

    def signing_key_pair_id(self) -> str:
        """Return the ID of the key pair that signs now, as the keyring knows it."""
        return self._lease_signer(self._signing_options()).signer.key_pair_id

    def is_revoked(self, key_pair_id: str) -> bool:
        """Return whether this key pair was revoked, as the keyring knows it."""
        return key_pair_id in self._lease_signer(self._signing_options()).revoked_ids

    def probe_url(self, signer: Signer) -> str:
        """Return a URL that ``signer`` signs, to test whether CloudFront knows its key.

        The file need not exist: CloudFront checks the key before it asks the
        origin. The hash algorithm is that of this storage.
        """
        options = self._signing_options()
        address = self._address_of(PROBE_NAME, options)
        until = int(time.time()) + PROBE_SECONDS
        return sign_probe(signer, address, options.hash_algorithm, date_less_than=until)

    # Addresses

    def _address_of(self, name: str | None, options: ResolvedOptions) -> str:
        """Return the encoded URL of a file, without a query."""
        refuse_dot_dot(name or "")
        if options.is_signing:
            refuse_nameless(name)
        # The storage may return an absolute URL: only its path counts.
        path = encode_path(urlsplit(super().url(name)).path)  # type: ignore[misc]
        path = path.replace("*", "%2A")
        return options.origin + (path if path.startswith("/") else f"/{path}")

    def _resource_address(
        self,
        resource: str | None,
        folder: str | None,
        options: ResolvedOptions,
        allow_any_resource: bool,
    ) -> str:
        """Return the URL of a resource, in which ``*`` is a wildcard, or of a whole folder."""
        if folder is not None:
            if resource is not None:
                raise ValueError("Give either folder or resource, not both.")
            check_folder(folder)
            return self._address_of(f"{folder}/x", options)[:-1] + "*"
        assert resource is not None  # noqa: S101
        check_resource_name(resource, allow_any_resource)
        # The last of them are those of the resource: a location may contain others.
        return "*".join(self._address_of(resource, options).rsplit("%2A", resource.count("*")))

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        """Return whether the path of a name changes only if an option or a setting does.

        Return False for a storage class that this package does not know.
        """
        return False

    def _public_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
    ) -> str:
        """Return the URL from a storage that does not sign."""
        if http_method is not None:
            refuse_writing(http_method)
        return self.unsigned_url(name, parameters)

    # Options

    def _current_options(self) -> ResolvedOptions:
        options = self._resolved_options
        if options is None or options.generation is not conf.generation:
            options = self._resolve_options()
        return options

    def _signing_options(self) -> ResolvedOptions:
        """Return the options of a storage whose key must work, whether or not it signs."""
        options = self._current_options()
        if options.refusal:
            raise ImproperlyConfigured(options.refusal)
        if not options.is_signing:
            options = self._resolve_options(must_sign=True)
        return options

    def _resolve_options(self, *, must_sign: bool = False) -> ResolvedOptions:
        """Return the resolved options, and keep them if they are fixed."""
        generation, version = conf.generation, self._options_version
        config = self.signing_config()
        handed_in: Any = OWN_KEY
        if must_sign:
            config = replace(config, querystring_auth=True)
        is_signing = must_sign or self._is_meant_to_sign(config)
        refusal = ""
        if is_signing:
            handed_in = self._handed_in()
            # Whether the key can sign shows at the first URL: see _explain_refusal().
            for each in self._find_problems(config, handed_in, tries_key=False):
                if each.is_serious() and not refusal:
                    refusal = f"{each.msg} {each.hint} ({each.id})"
                elif each.id == "cfsigned.W008" and handed_in is OWN_KEY:
                    # Without the app, no system check reports this.
                    log_once(f"{each.msg} {each.hint} ({each.id})")
            if handed_in is not OWN_KEY and not refusal:
                try:
                    handed_in = adopt_signer(handed_in, config.hash_algorithm)
                except (ImproperlyConfigured, InvalidKey) as error:
                    refusal = str(error)
        is_address_right = is_signing and not refusal  # then it was checked above
        if not is_address_right:
            is_address_right = not any(map(CheckMessage.is_serious, find_address_problems(config)))
        origin = ""
        if is_address_right:
            origin = f"{config.url_protocol}//{config.custom_domain.lower()}"
        options = resolve(
            config,
            generation=generation,
            is_signing=is_signing,
            refusal=refusal,
            origin=origin,
            start=self._address_start(origin),
            handed_in=handed_in,
            shares_urls=self._paths_are_fixed and bool(config.url_cache_size),
        )
        if refusal:
            if must_sign:
                raise ImproperlyConfigured(refusal)
        elif self._options_are_fixed and not must_sign:
            vars(self)["_resolved_options"] = options  # setattr() would discard it again.
            if self._options_version is not version:  # An option was assigned meanwhile.
                vars(self)["_resolved_options"] = None
        return options

    def _address_start(self, origin: str) -> str:
        """Return what precedes each encoded name; empty if a name needs more than encoding."""
        return ""

    def _setting_defaults(self) -> Mapping[str, Any]:
        """Return the values of options that were not given: those of their settings now."""
        return conf.defaults()

    def _setting_default(self, name: str) -> Any:
        return self._setting_defaults()[name]

    def _refuse_unknown(self, options: Mapping[str, Any]) -> None:
        """Raise for an option that the storage class does not have, if it would show a secret."""

    def _is_meant_to_sign(self, config: Config) -> bool:
        """Return whether signing is on."""
        return config.querystring_auth is not False and self.cloudfront_signer is not None

    def _handed_in(self) -> Any:
        """Return the signer that was handed in, or OWN_KEY."""
        return OWN_KEY if self.cloudfront_signer is None else self.cloudfront_signer

    def signing_config(self) -> Config:
        """Return the current options, for the checks."""
        return Config(**self._read(conf.OPTIONS, self._setting_defaults()))

    def _read(self, names: Iterable[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return these options with secrets hidden, as in ``defaults`` and given values."""
        given, values = vars(self), {}
        of_class: dict[str, Any] = {}
        for cls in reversed(type(self).__mro__):
            of_class.update(vars(cls))
        for name in names:
            if not isinstance(of_class[name], Setting):
                values[name] = conf.hide(name, getattr(self, name))
            else:
                values[name] = given[name] if name in given else defaults[name]
        return values

    def fails_outside_requests(self) -> bool:
        """Return whether an option is a property that raises an error here."""
        names = (*OWN_OPTIONS, "location")
        return any(_is_property(type(self), name) and self._fails(name) for name in names)

    def _fails(self, name: str) -> bool:
        try:
            getattr(self, name)
        except Exception:
            return True
        return False

    def is_signing(self) -> bool:
        """Return whether this storage is meant to sign now."""
        return self._is_meant_to_sign(self.signing_config())

    def is_known_to_sign(self) -> bool:
        """Return whether this storage signs, whatever is requested."""
        return not self.is_dynamic() and self.is_signing()

    def is_dynamic(self) -> bool:
        """Return whether an option is a property, such as the domain of a request's tenant.

        Its value at startup says nothing about later values.
        """
        names = (name for name in OWN_OPTIONS if _is_property(type(self), name))
        return any(name in conf.OPTIONS or self._fails(name) for name in names)

    # Keys

    def find_problems(self, obj: Any = None, *, tries_key: bool = True) -> list[CheckMessage]:
        """Return the messages of the system checks about this storage, as ``obj``.

        ``tries_key``: sign something, to find out whether the key can sign.
        """
        config = self.signing_config()
        if not self._is_meant_to_sign(config):
            return []
        return self._find_problems(config, self._handed_in(), obj, tries_key=tries_key)

    @staticmethod
    def _find_problems(
        config: Config, handed_in: Any, obj: Any = None, *, tries_key: bool
    ) -> list[CheckMessage]:
        if handed_in is not OWN_KEY:
            return find_problems(config, with_key=False, obj=obj)
        with_key = keyring.needs_settings_key(config)
        found = find_problems(config, with_key=with_key, tries_key=tries_key, obj=obj)
        return [*found, *find_missing_app(config, obj)]

    def trusted_keys(self) -> dict[str, PublicKey]:
        """Return the public keys, by key pair id, that verify this storage's URLs."""
        # Even if the storage does not sign: the caller verifies.
        signer = self._lease_signer(self._signing_options()).signer
        public_key = signer.private_key.public_key
        if public_key is None:
            raise ImproperlyConfigured(
                f"The signer {signer.key_pair_id} was handed in and has no public key, so its URLs "
                "cannot be verified here. Hand in a Signer whose private_key has a public_key."
            )
        return {signer.key_pair_id: public_key}

    def bypasses_rotation(self, key_group_id: str, key_pair_id: str) -> bool:
        """Return whether this key signs here, and would still sign after a rotation replaced it.

        It does if the storage has another key group or none, or if a signer was
        handed in. If an option is a property, only the IDs are read: they are
        known without a request, unless they are properties themselves.
        """
        if self.is_dynamic():
            return self._names_key(key_group_id, key_pair_id)
        options = self._current_options()
        if not options.is_signing or options.refusal:
            return False
        if options.key_group_id == key_group_id:
            return False
        try:
            return key_pair_id == self._lease_signer(options).signer.key_pair_id
        except (ImproperlyConfigured, InvalidKey):
            return False  # It signs nothing.

    def may_follow(self, key_group_id: str) -> bool:
        """Return whether a key of this group may sign here, as far as is known without a request.

        This is for storages with an option that is a property.
        """
        if _is_property(type(self), "key_group_id"):
            return True
        known = self._read(("key_group_id",), self._setting_defaults())
        return bool(known["key_group_id"] == key_group_id)

    def _names_key(self, key_group_id: str, key_pair_id: str) -> bool:
        """Return whether the options name this key or its signer, and another key group or none."""
        names = ("cloudfront_key_id", "key_group_id")
        if any(_is_property(type(self), name) for name in (*names, "cloudfront_signer")):
            return False
        known = self._read(names, self._setting_defaults())
        given = self.cloudfront_signer
        if given is OWN_KEY:
            is_outside: bool = known["key_group_id"] != key_group_id
            return is_outside and known["cloudfront_key_id"] == key_pair_id
        try:
            return given is not None and adopt_signer(given, None).key_pair_id == key_pair_id
        except ImproperlyConfigured:
            return False  # It signs nothing.

    def settings_key(self) -> tuple[LazyPrivateKey, str] | None:
        """Return the key, and its ID, that signs here as long as no key pair is ACTIVE.

        Return None if neither the settings nor the options contain a key, or if
        it signs regardless of the database.
        """
        config = self.signing_config()
        key, key_pair_id = config.cloudfront_key, config.cloudfront_key_id
        if key is None or not key_pair_id or not self._is_meant_to_sign(config):
            return None
        follows = self._handed_in() is OWN_KEY and keyring.looks_in_database(config.key_group_id)
        return (key, str(key_pair_id)) if follows else None

    def handed_in_signer(self) -> Signer | None:
        """Return the signer that was handed in, or None.

        Raise :exc:`ImproperlyConfigured` if what was handed in cannot sign.
        """
        handed_in = self._handed_in()
        return None if handed_in is OWN_KEY else adopt_signer(handed_in, None)

    def current_signer(self) -> Signer | None:
        """Return the current signer; None if this package does not sign the URLs.

        The signer has signed a test message. Raise :exc:`ImproperlyConfigured`
        if nothing can sign, and :exc:`HashRefused` if a signer that was handed
        in cannot sign.
        """
        options = self._current_options()
        if not options.is_signing:
            return None
        signer = self._lease_signer(self._signing_options()).signer
        try:
            signer.private_key.sign(b"", signer.hash_algorithm)
        except HashRefused:
            self._explain_refusal(options)
            raise
        return signer

    @staticmethod
    def _lease_signer(options: ResolvedOptions) -> Lease:
        """Return the current signer, and how long its URLs may live."""
        return options.lease or keyring.lease_signer(
            options.key_group_id, options.hash_algorithm, options.signer
        )

    def _explain_refusal(self, options: ResolvedOptions) -> None:
        """Raise the error of the check, if a setting decides which hash the key signs with."""
        if self._handed_in() is not OWN_KEY:
            return
        signer = self._lease_signer(options).signer
        if signer is options.signer:
            raise_first_error([hash_refused()])
        # The checks only know the key of the settings, if there is one.
        raise_first_error([hash_refused(f"{signer.key_pair_id} of the database")])

    # Copies

    def __copy__(self) -> Self:
        """Return a storage with the same options, given or assigned, and a separate cache."""
        twin = type(self).__new__(type(self))
        kept: Any = super().__getstate__()
        state: dict[str, Any] = dict(kept)
        state.pop("_resolved_options", None)
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
        if argument := given.find_secret(self):
            raise ValueError(
                f"The argument {argument} of {type(self).__name__}() holds a secret, so this "
                "storage cannot be written into a migration or a pickle. Give secrets under the "
                "names of their options, such as cloudfront_key and secret_key, which are left "
                "out, and let the constructor work without them. For a file field, pass a "
                "function as storage=: a migration contains only its name."
            )
        return given.visible()

    @_constructor_args.setter
    def _constructor_args(self, given: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
        args, options = given
        vars(self)["_given"] = GivenArguments(args=args, options=options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the class and the constructor's options that are not secret, nothing else."""
        args, options = self._constructor_args
        if vars(self).get("cloudfront_signer") is not None:
            raise TypeError("A signer that was handed in cannot be pickled: it holds a key.")
        state = vars(self)  # Not before: a debug page prints the variables of a frame that raises.
        key = state.get("cloudfront_key")
        others: dict[str, Any] = {}
        if "cloudfront_signer" in state:
            others["cloudfront_signer"] = None
        if isinstance(state.get("cloudfront_key_id"), str):
            others["cloudfront_key_id"] = state["cloudfront_key_id"]
        named = sorted(SECRET_OPTIONS & state["_given"].options.keys())
        return unpickle, (type(self), args, options, others, key.digest if key else "", named)


#: The options that this package adds to those of a storage class, and reads itself.
OWN_OPTIONS = (*conf.OPTIONS, "cloudfront_signer")


def _is_property(cls: type, name: str) -> bool:
    return inspect.isdatadescriptor(getattr(cls, name, None))
