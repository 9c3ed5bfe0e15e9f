"""Hold a storage's options: follow the settings, and keep the keys out of sight."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import conf
from cfsigned_django.conf import Config, KeySource
from cfsigned_django.url_cache import UrlCache
from cfsigned_django.validation import find_half_a_key, raise_first_error

#: Constructor arguments that never reach a migration: secrets, and what makes
#: no sense without them. A migration takes them from the settings instead.
SECRET_OPTIONS = frozenset(
    {
        "access_key",
        "cloudfront_key",
        "cloudfront_key_id",
        "cloudfront_signer",
        "secret_key",
        "security_token",
    }
)


class OptionsMixin:
    """Take the options of :data:`cfsigned_django.conf.OPTIONS` beside a storage's own.

    Each becomes an attribute: from the constructor, else from the class, else
    from its setting. One that came from a setting follows it.
    """

    cloudfront_key: KeySource | None
    cloudfront_key_id: Any
    custom_domain: Any
    url_protocol: Any
    querystring_auth: Any
    querystring_expire: Any
    expire_step: Any
    max_expire: Any
    url_cache_size: Any
    hash_algorithm: Any
    key_group_id: Any

    #: The options that can follow a setting.
    _followed: tuple[str, ...] = tuple(conf.OPTIONS)
    # The options that neither constructor nor class nor later code has set.
    _following: frozenset[str] = frozenset()
    _generation = -1
    _urls: UrlCache

    def __init__(self, *args: Any, **options: Any) -> None:
        # First of all, so that no frame of an error holds a secret as text.
        conf.hide_all(options)
        self.__dict__["_urls"] = UrlCache()
        self._hide_constructor_args()
        try:
            self._needs_key = self.needs_key(options)
            own = {name: options.pop(name) for name in conf.OPTIONS if name in options}
            self._refuse_unknown(options)
            for name, value in own.items():
                setattr(self, name, value)
            self._following = self._choose_following({*own, *options})
            self._keep_up()
            if self._needs_key:
                self._refuse_half_a_key()
            super().__init__(*args, **options)
        except Exception:
            conf.hide_storage_options()
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute: a secret goes out of sight, and an option no longer follows."""
        if name in self._following:
            super().__setattr__("_following", self._following - {name})
        super().__setattr__(name, conf.hide(name, value))
        if "_urls" in self.__dict__:  # else it is being made
            self._urls.drop()

    @classmethod
    def config_for(cls, options: Mapping[str, Any]) -> Config:
        """Return what an instance with these options would be configured to, unmade."""
        attributes = {name: getattr(cls, name) for name in conf.OPTIONS if hasattr(cls, name)}
        try:
            defaults = cls.__new__(cls)._setting_defaults()
        except (AttributeError, TypeError):
            # They depend on what only a constructor sets: url() checks them.
            defaults = {}
        return Config.read({**defaults, **attributes, **options})

    @classmethod
    def signs(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether an instance with these options is sure to sign its URLs."""
        return not cls.is_dynamic() and cls.config_for(options).querystring_auth is not False

    @classmethod
    def is_dynamic(cls) -> bool:
        """Tell whether an option is a property, such as the domain of a request's tenant.

        What it returns at start-up says nothing about what it returns later.
        """
        return cls.has_properties()

    @classmethod
    def has_properties(cls, *others: str) -> bool:
        """Tell whether an option, or one of the other attributes, is a property."""
        names = (*conf.OPTIONS, *others)
        return any(inspect.isdatadescriptor(getattr(cls, name, None)) for name in names)

    @classmethod
    def needs_key(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether an instance with these options signs with a key of the settings."""
        return True

    def signing_config(self) -> Config:
        """Return the options as they stand, for the checks."""
        return Config.read({name: getattr(self, name) for name in conf.OPTIONS})

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {
            name: value
            for name, value in state.items()
            if name not in ("_ready", "_settled", "_urls")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        getattr(super(), "__setstate__", self.__dict__.update)(state)
        # The settings that it followed may be those of another process.
        self.__dict__.update(_urls=UrlCache(), _generation=-1)
        self._keep_up()

    def _setting_defaults(self) -> dict[str, Any]:
        """Return the options that follow a setting, with what it says now.

        Of an instance: a subclass's get_default_settings() may look at ``self``.
        """
        return {name: conf.default_of(name) for name in conf.OPTIONS}

    def _choose_following(self, given: set[str]) -> frozenset[str]:
        """Return the options that shall follow their settings: what nobody has given."""
        free = {name for name in self._followed if not hasattr(type(self), name)}
        return frozenset(free - given)

    def _keep_up(self) -> None:
        """Follow the settings, where one has changed."""
        generation = conf.generation  # before the look, so that no change is missed
        if self._generation != generation:
            self._follow_settings()
            # Not before all is taken over: another thread would go on with what it was. This
            # drops what such a thread has remembered meanwhile.
            self._generation = generation

    def _follow_settings(self) -> None:
        """Take over what the settings say now, where neither code nor option said otherwise."""
        values = self._setting_defaults()
        for name in self._following:
            # Not by setattr(), after which the option would no longer follow.
            self.__dict__[name] = conf.hide(name, values[name])

    def _refuse_half_a_key(self) -> None:
        """Refuse a key without its id, or an id without its key, at once.

        All other mistakes wait for url(), so that code which only stores
        files is not stopped by what it does not need.
        """
        half = find_half_a_key(self.signing_config())
        if half:
            raise_first_error(half)

    def _hide_constructor_args(self) -> None:
        """Take the secrets out of what Django keeps, and writes into migrations."""
        args, options = getattr(self, "_constructor_args", ((), {}))
        shown = {
            name: value
            for name, value in options.items()
            if name not in SECRET_OPTIONS and conf.hide(name, value) is value
        }
        self._constructor_args = (args, shown)

    def _refuse_unknown(self, options: dict[str, Any]) -> None:
        known = self._own_option_names() if options else None
        for name in options:
            if known is not None and name not in known:
                close = difflib.get_close_matches(name, [*known, *conf.OPTIONS], n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ImproperlyConfigured(
                    f"Invalid setting {name!r} for {type(self).__name__}.{hint}"
                )

    def _own_option_names(self) -> set[str] | None:
        """Return what the storage class behind this mixin takes as options, if it says."""
        constructor = super().__init__
        if getattr(constructor, "__objclass__", None) is object:
            return set()
        parameters = inspect.signature(constructor).parameters
        takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
        return None if takes_any else set(parameters)
