"""Make the rotation of this site from its settings and storages, and find the keys in them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from cfsigned_django.core import conf
from cfsigned_django.core.aws.client import make_client
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.core.keyring import SigningState
from cfsigned_django.core.validation import (
    find_address_problems,
    find_wrong,
    is_of_trusted_signer,
    raise_first_error,
)
from cfsigned_django.rotation.active import ConfiguredKey
from cfsigned_django.rotation.lifecycle import Waits
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult, send_probe
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import KeyPairStore
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage.site_storages import (
    PROBE_NAME,
    PROBE_SECONDS,
    SiteStorage,
    bypassing_key,
    find_storage,
    probe_url,
    sign_probe,
    signer_of,
    site_storages,
    unmade_storages,
    why_unusable,
)

logger: Final = logging.getLogger("cfsigned_django.rotation")

_WORST_FIRST = (
    ProbeResult.WRONG_KEY,
    ProbeResult.UNKNOWN_KEY,
    ProbeResult.REFUSED,
    ProbeResult.UNRESTRICTED,
    ProbeResult.NO_ANSWER,
)


def site_rotation(
    key_group_id: str | None = None,
    *,
    takes_steps: bool = True,
    changed_by: str = "",
    on_move: Callable[[KeyPair], None] = lambda key_pair: None,
    on_restore: Callable[[KeyPair], None] = lambda key_pair: None,
    probe: Callable[[str], ProbeResult] | None = None,
    key_groups: KeyGroups | None = None,
) -> Rotation:
    """Return the rotation of a key group, by default AWS_CLOUDFRONT_KEY_GROUP_ID.

    AWS is not called before the first step that needs it, and without ``takes_steps`` no storage
    is asked before something hangs on it. Tests hand in how a URL is probed, and the calls to
    CloudFront. Raise :exc:`ImproperlyConfigured` if the settings name no key group, or if steps
    are to be taken and no storage signs for it.
    """
    key_group_id = key_group_id or conf.setting_of("key_group_id")
    if not key_group_id:
        raise ImproperlyConfigured(
            _(
                "AWS_CLOUDFRONT_KEY_GROUP_ID is not set: a rotation needs the ID of the key group. "
                "CloudFront shows it under Key management, Key groups."
            )
        )
    if timezone.is_naive(timezone.now()):
        raise ImproperlyConfigured(
            _(
                "USE_TZ is False: the waits of a rotation would be wrong by an hour when clocks "
                "change. Set USE_TZ = True."
            )
        )
    # Each list once, when something first asks for it.
    listed: Any = SimpleLazyObject(site_storages)
    unmade: Any = SimpleLazyObject(lambda: unmade_storages(listed))
    members: Any = SimpleLazyObject(
        lambda: [each for each in listed if each.signs and each.config.key_group_id == key_group_id]
    )
    # A revocation needs the key group, and no storage: one that cannot be made may name it.
    if takes_steps and not (
        members
        or unmade
        or any(not each.is_known and each.may_follow(key_group_id) for each in listed)
    ):
        text = _(
            "No storage in STORAGES signs for the key group %(group)s. Set the BACKEND of one to "
            "cfsigned_django.storage.CloudFrontS3Storage, and its key_group_id to this ID."
        )
        raise ImproperlyConfigured(text % {"group": key_group_id})
    store = KeyPairStore(
        key_group_id=key_group_id,
        changed_by=changed_by,
        claim_seconds=_app().claim_seconds,
        on_move=on_move,
    )
    return Rotation(
        store=store,
        waits=site_waits(),
        # Making a client takes noticeable time, and most rotations make no call.
        key_groups=None
        if conf.Site.BY_HAND.read()
        else key_groups
        or KeyGroups(SimpleLazyObject(lambda: make_client("cloudfront", **conf.aws_access()))),
        probe=lambda signer: _probe(
            members,
            [each for each in unmade if each.may_follow(key_group_id)],
            signer,
            probe or send_probe,
        ),
        bypasses_rotation=lambda key_pair_id: [
            str(each.name)
            for each in listed
            if bypassing_key(each, key_group_id, asks=True) == key_pair_id
        ],
        unmade=unmade,
        settings_keys=lambda state=None: find_settings_keys(members, state),
        on_restore=on_restore,
    )


def site_waits() -> Waits:
    """Return the waiting times, from the settings and the app."""
    app = _app()
    return Waits(
        propagation=conf.Site.PROPAGATION_SECONDS.read(),
        url_lifetime=conf.site_lifetime(),
        # A process may use an answer for two intervals (Lease in keyring.py).
        keyring=2 * app.keyring_seconds,
        clock_skew=app.clock_skew_seconds,
    )


def _app() -> Any:
    """Return the installed app, a CfsignedDjangoConfig, whose attributes are waits."""
    return apps.get_app_config("cfsigned_django")


def _probe(
    members: list[SiteStorage],
    awaited: list[SiteStorage],
    signer: Signer,
    send: Callable[[str], ProbeResult],
) -> ProbeResult:
    """Probe through every domain that signs for the group, and return the worst answer.

    If a domain is known in requests only, or not until a storage can be made, that of the settings
    stands for it.
    """
    if awaited and not members and not conf.setting_of("custom_domain"):
        return ProbeResult.NO_ANSWER  # The key waits for that storage anyway.
    try:
        # An alias is asked for again: one that reads S3 was not constructed yet.
        found = [find_storage(each.alias or each.storage) for each in members]
    except Exception as error:
        logger.error("No probe was sent. %s", why_unusable(error))
        return ProbeResult.NO_ANSWER
    urls = {probe_url(each, signer) for each in found} or {_probe_url_of_settings(signer)}
    results = {send(url) for url in urls}
    for bad in _WORST_FIRST:
        if bad in results:
            return bad
    return ProbeResult.GOOD


def _probe_url_of_settings(signer: Signer) -> str:
    config = conf.Config.read()
    if not config.custom_domain:
        raise ImproperlyConfigured(
            _(
                "AWS_S3_CUSTOM_DOMAIN is not set. The storages of the key group know their domains "
                "in requests only, so set it to one of them: a new key is probed there."
            )
        )
    raise_first_error([*find_address_problems(config), *find_wrong(conf.OPTIONS["hash_algorithm"])])
    address = f"{config.url_protocol}//{config.custom_domain}{conf.base_url()}{PROBE_NAME}"
    until = int(time.time()) + PROBE_SECONDS
    encoded = encode_url(address).replace("*", "%2A")
    return sign_probe(signer, encoded, config.hash_algorithm, date_less_than=until)


# Keys of the settings


def find_settings_keys(
    members: Iterable[SiteStorage], state: SigningState | None
) -> list[ConfiguredKey]:
    """Return the keys with which storages sign while no key pair is ACTIVE, each once.

    If no storage has one, return the key of the AWS_CLOUDFRONT settings, if
    there is one: a storage created in code may sign with it.

    A class, or the storage of a field, may have a key, too. A page, which knows the ``state``, asks
    for those only if OPTIONS name a key, or if nothing else would sign.
    """
    source, key_pair_id = conf.setting_of("cloudfront_key"), conf.setting_of("cloudfront_key_id")
    of_settings = []
    if source is not None and key_pair_id:
        of_settings = [ConfiguredKey(key_pair_id=str(key_pair_id), source=source)]
    signs = state and state.name_signing(each.key_pair_id for each in of_settings)
    if signs and not conf.aliases_with("cloudfront_key_id"):
        return of_settings
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
    return list(found.values()) or of_settings


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
