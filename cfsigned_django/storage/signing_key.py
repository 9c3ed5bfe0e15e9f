"""Say with which key a storage signs, and work out what its options come to."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import conf
from cfsigned_django.keyring import looks_in_database, needs_settings_key, trusted_keys
from cfsigned_django.signing import HashRefused, InvalidKey, PublicKey, Signer
from cfsigned_django.storage.options import OptionsMixin
from cfsigned_django.storage.ready import Ready, find_missing_app
from cfsigned_django.validation import (
    find_problems,
    hash_refused,
    raise_first_error,
)


class SigningKeyMixin(OptionsMixin):
    """Know the signer of a storage: that of its options, of the database, or one handed in."""

    _ready: Ready | None = None

    def find_problems(self, obj: Any = None, *, tries_key: bool = True) -> list[CheckMessage]:
        """Return what system checks say about this storage; ``obj`` is what they name.

        ``tries_key``: sign something, to see whether the key can.
        """
        if not self._is_signing():
            return []
        config = self.signing_config()
        if isinstance(self._handed_in(), Signer):
            return find_problems(config, with_key=False, obj=obj)
        with_key = needs_settings_key(config)
        found = find_problems(config, with_key=with_key, tries_key=tries_key, obj=obj)
        return [*found, *find_missing_app(config, obj)]

    def trusted_keys(self) -> dict[str, PublicKey]:
        """Return the public keys, by key pair id, that verify this storage's URLs."""
        self._keep_up()
        # Also of a storage that does not sign: whoever asks wants to verify.
        config = self.signing_config()
        with_key = not isinstance(self._handed_in(), Signer) and needs_settings_key(config)
        raise_first_error(find_problems(config, with_key=with_key, tries_key=False))
        return trusted_keys(self._get_ready().lease_signer().signer)

    def bypasses_rotation(self, key_group_id: str, key_pair_id: str) -> bool:
        """Return whether this key signs here, and would after a rotation has replaced it.

        So it does in a storage of another key group or of none, and in one that its signer was
        handed in to.
        """
        if not self._is_signing():
            return False
        config = self.signing_config()
        if config.key_group_id == key_group_id and self._asks_database(config):
            return False
        try:
            return key_pair_id in self.trusted_keys()
        except (ImproperlyConfigured, InvalidKey):
            return False  # It signs nothing.

    def settings_key(self) -> tuple[conf.KeySource, str] | None:
        """Return the key, and its id, that signs here as long as no key pair is ACTIVE.

        None where the settings and the options hold none, or where it signs
        whatever the database says.
        """
        self._keep_up()
        config = self.signing_config()
        source, key_pair_id = config.cloudfront_key, config.cloudfront_key_id
        if source is None or not key_pair_id:
            return None
        follows = self._is_signing() and self._asks_database(config)
        return (source, str(key_pair_id)) if follows else None

    def current_signer(self) -> Signer | None:
        """Return the signer of this moment; None where URLs are not signed by this package.

        It has signed once, so that it is sure to be able to. Raise
        :exc:`ImproperlyConfigured` where nothing can sign, and :exc:`HashRefused`
        where that is so of a signer that was handed in.
        """
        self._keep_up()
        if not self._is_signing():
            return None
        signer = self._get_ready().lease_signer().signer
        try:
            signer.private_key.sign(b"", signer.hash_algorithm)
        except HashRefused:
            self._explain_refusal()
            raise
        return signer

    def _get_ready(self) -> Ready:
        """Return what the options decide, worked out again only after they changed."""
        state = (
            self.custom_domain,
            self.url_protocol,
            conf.hide("cloudfront_key_id", self.cloudfront_key_id),
            conf.KeySource.wrap(self.cloudfront_key),
            self.hash_algorithm,
            self.querystring_expire,
            self.max_expire,
            self.expire_step,
            self.url_cache_size,
            self.key_group_id,
            self._handed_in(),
        )
        ready = self._ready
        if ready is None or ready.state != state:
            # Not by setattr(), which drops the URLs that are being made.
            self.__dict__["_ready"] = ready = self._make_ready(state)
        return ready

    def _make_ready(self, state: tuple[Any, ...]) -> Ready:
        # What the key signs next shows whether it can: see _explain_refusal().
        raise_first_error(self.find_problems(tries_key=False))
        config, given = self.signing_config(), self._handed_in()
        signer = given if isinstance(given, Signer) else None
        asks_database = self._asks_database(config)
        return Ready.work_out(
            state,
            config,
            signer,
            asks_database=asks_database,
            has_fixed_paths=self._has_fixed_paths(),
        )

    def _explain_refusal(self) -> None:
        """Raise what the check says, where a setting decides with which hash the key signs."""
        if isinstance(self._handed_in(), Signer):
            return
        ready = self._get_ready()
        signer = ready.lease_signer().signer
        if signer is ready.signer:
            raise_first_error([hash_refused()])
        # No check has looked at this one, and the settings may hold another, or none.
        raise_first_error([hash_refused(f"{signer.key_pair_id} of the database")])

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        """Tell whether the URL of a name changes only where an option or a setting does.

        Of a storage class that is not known, nobody can tell.
        """
        return False

    def _is_signing(self) -> bool:
        return self.querystring_auth is not False

    def _asks_database(self, config: conf.Config) -> bool:
        """Tell whether an ACTIVE key pair of the database would sign here."""
        return not isinstance(self._handed_in(), Signer) and looks_in_database(config.key_group_id)

    def _handed_in(self) -> Any:
        """Return the signer that was handed in, which wins over the key of the options."""
        return None
