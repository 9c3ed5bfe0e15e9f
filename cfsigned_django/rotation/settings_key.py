"""Find the keys of the settings with which the storages of a key group sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django.core import conf
from cfsigned_django.core.conf import LazyPrivateKey
from cfsigned_django.core.validation import is_of_trusted_signer
from cfsigned_django.storage.site_storages import SiteStorage, signer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredKey:
    """A key of the settings, or of the OPTIONS of a storage."""

    key_pair_id: str
    source: LazyPrivateKey = field(repr=False)
    #: The names of the storages that sign with it while no key pair is ACTIVE.
    storages: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """Return the names of the settings that hold the key."""
        if self.key_pair_id == conf.default_of("cloudfront_key_id"):
            return _("AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID")
        text = _("cloudfront_key and cloudfront_key_id in the OPTIONS of %(storages)s")
        return text % {"storages": ", ".join(self.storages)}


def find_settings_keys(members: Iterable[SiteStorage]) -> list[ConfiguredKey]:
    """Return the keys with which storages sign while no key pair is ACTIVE, each once.

    If no storage has one, return the key of the AWS_CLOUDFRONT settings, if
    there is one: a storage created in code may sign with it.
    """
    found: dict[str, ConfiguredKey] = {}
    for each in members:
        source, key_pair_id = each.config.cloudfront_key, str(each.config.cloudfront_key_id or "")
        if source is not None and key_pair_id and signer_of(each) is None:
            known = found.get(key_pair_id)
            found[key_pair_id] = ConfiguredKey(
                key_pair_id=key_pair_id,
                source=known.source if known else source,
                storages=(*(known.storages if known else ()), str(each.name)),
            )
    source, key_pair_id = conf.default_of("cloudfront_key"), conf.default_of("cloudfront_key_id")
    if not found and source is not None and key_pair_id:
        return [ConfiguredKey(key_pair_id=str(key_pair_id), source=source)]
    return list(found.values())


def why_not_imported(key_pair_id: str) -> str:
    """Return why the key cannot be imported if it is a trusted signer's; "" for any other key."""
    if not is_of_trusted_signer(key_pair_id):
        return ""
    text = _(
        "%(id)s is a CloudFront key pair of an AWS account (a trusted signer). It is in no key "
        "group, so no rotation can remove it. Start a rotation (manage.py cfsigned_rotate --start) "
        "without importing it: it signs until the new key does. When the links signed with it "
        "have expired, or at once if it leaked, remove the signer from the behavior of the "
        "distribution (CloudFront)."
    )
    return text % {"id": key_pair_id}


def refuse_different(keys: list[ConfiguredKey]) -> None:
    """Raise :exc:`ImproperlyConfigured` if the storages of a group sign with different keys."""
    if len(keys) < 2:
        return
    pairs = "; ".join(f"{', '.join(each.storages)}: {each.key_pair_id}" for each in keys)
    text = _(
        "Storages of one key group sign with different keys of the settings (%(pairs)s), but only "
        "one can be imported. Give them the same cloudfront_key and cloudfront_key_id, or give one "
        "of them its own key group (key_group_id)."
    )
    raise ImproperlyConfigured(text % {"pairs": pairs})
