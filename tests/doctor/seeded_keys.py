"""Break the key pair, its key group, and who may sign on which behavior."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import find_origin
from cfsigned_django.signing import PrivateKey
from tests.doctor.world import NOW, World, behavior_of
from tests.storage_cases import OTHER_KEY_ID

_OPEN: Document = {"Enabled": False, "Quantity": 0}


def wrong_key_id(world: World, settings: Any) -> None:
    """Name a public key that the account does not have."""
    settings.AWS_CLOUDFRONT_KEY_ID = OTHER_KEY_ID


def id_of_another_key(world: World, settings: Any) -> None:
    """Name the public key of another private key, which is in the group as well."""
    other = world.add_public_key(PrivateKey.generate(), "other")
    world.set_members(world.key_pair_id, other)
    settings.AWS_CLOUDFRONT_KEY_ID = other


def key_not_in_group(world: World, settings: Any) -> None:
    """Hold only somebody else's key in the key group."""
    world.set_members(world.add_public_key(PrivateKey.generate(), "other"))


def no_such_group(world: World, settings: Any) -> None:
    """Name a key group that the account does not have."""
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = "a1b2c3d4-0123-4567-89ab-cdef01234567"
    world.update_behavior(
        TrustedKeyGroups={"Enabled": True, **list_of([settings.AWS_CLOUDFRONT_KEY_GROUP_ID])}
    )


def group_not_on_behavior(world: World, settings: Any) -> None:
    """Trust another key group on the behavior."""
    other = world.add_public_key(PrivateKey.generate(), "other")
    made = world.clients.cloudfront.create_key_group(
        KeyGroupConfig={"Name": "other", "Items": [other]}
    )
    world.update_behavior(TrustedKeyGroups={"Enabled": True, **list_of([made["KeyGroup"]["Id"]])})


def open_behavior(world: World, settings: Any) -> None:
    """Ask for no signature on the behavior."""
    world.update_behavior(TrustedKeyGroups=_OPEN)


def earlier_open_behavior(world: World, settings: Any) -> None:
    """Put an open behavior for all JPEGs before the restricted one."""

    def insert(config: Document) -> None:
        items = config["CacheBehaviors"]["Items"]
        leak = {**behavior_of(config), "PathPattern": "*.jpg", "TrustedKeyGroups": _OPEN}
        config["CacheBehaviors"] = list_of([leak, *items])

    world.update(insert)


def earlier_open_behavior_for_other_files(world: World, settings: Any) -> None:
    """Put an open behavior before the restricted one that takes other files of the storage."""

    def insert(config: Document) -> None:
        items = config["CacheBehaviors"]["Items"]
        leak = {**behavior_of(config), "PathPattern": "*.pdf", "TrustedKeyGroups": _OPEN}
        config["CacheBehaviors"] = list_of([leak, *items])

    world.update(insert)


def earlier_open_behavior_by_another_origin(world: World, settings: Any) -> None:
    """Read the bucket once more, under its global host, by an open behavior that comes first."""
    twin = f"{world.bucket}.s3.amazonaws.com"
    world.update(lambda config: insert_open(config, "*.pdf", DomainName=twin))


def earlier_open_behavior_by_website(world: World, settings: Any) -> None:
    """Read the website endpoint of the bucket by an open behavior that comes first."""
    website = f"{world.bucket}.s3-website.us-east-1.amazonaws.com"
    world.update(lambda config: insert_open(config, "*.pdf", DomainName=website))


def open_behavior_with_origin_path(world: World, settings: Any) -> None:
    """Serve the folder of the storage under other paths, by the origin path of an open behavior."""
    world.update(lambda config: insert_open(config, "*.pdf", OriginPath="/media"))


def later_open_behavior(world: World, settings: Any) -> None:
    """Restrict a folder of the storage, and read the bucket by the open default behavior."""

    def narrow(config: Document) -> None:
        media = behavior_of(config)
        config["DefaultCacheBehavior"]["TargetOriginId"] = media["TargetOriginId"]
        media["PathPattern"] = "media/albums/*"

    world.update(narrow)


def insert_open(config: Document, pattern: str, **origin: str) -> None:
    """Put an open behavior before all others, with an origin of its own that is the bucket."""
    media = find_origin(config, behavior_of(config)["TargetOriginId"]) or {}
    twin = {**media, "Id": "twin", **origin}
    leak = {
        **behavior_of(config),
        "PathPattern": pattern,
        "TargetOriginId": "twin",
        "TrustedKeyGroups": _OPEN,
    }
    config["Origins"] = list_of([*config["Origins"]["Items"], twin])
    config["CacheBehaviors"] = list_of([leak, *config["CacheBehaviors"]["Items"]])


def old_signers_beside(world: World, settings: Any) -> None:
    """Trust the AWS account beside the key group."""
    world.update_behavior(TrustedSigners={"Enabled": True, **list_of(["self"])})


def old_signers_only(world: World, settings: Any) -> None:
    """Trust the AWS account and no key group."""
    world.update_behavior(
        TrustedSigners={"Enabled": True, **list_of(["self"])}, TrustedKeyGroups=_OPEN
    )


def old_key(world: World, settings: Any) -> None:
    """Sign with a key of last year."""
    created = datetime.fromtimestamp(NOW, UTC) - timedelta(days=400)
    world.edit = lambda found: replace(
        found,
        public_keys=tuple(replace(each, created_at=created) for each in found.public_keys or ()),
    )


def edges_behind(world: World, settings: Any) -> None:
    """Let the edges not know the key yet."""
    world.edit_distribution(active_key_pairs={world.key_group_id: ("K1OLD",)})


def half_a_configuration(world: World, settings: Any) -> None:
    """Give an alias of STORAGES a hash that its key does not take."""
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA1"
