"""Work out what a step will do to links, for the page that asks to confirm it."""

from __future__ import annotations

import math
from datetime import timedelta
from enum import StrEnum
from typing import Any

from cfsigned_django.admin.forms import typed_name
from cfsigned_django.admin.public_key import ShownKey
from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import date_and_time, in_words


class After(StrEnum):
    """Say what signs once the signing key is revoked."""

    #: The successor, which CloudFront is known to serve.
    SUCCESSOR = "successor"
    #: The successor, before its wait is over.
    SUCCESSOR_EARLY = "successor_early"
    #: One that is made first, as this site may change CloudFront.
    NEW_KEY = "new_key"
    #: The key of the settings, which the database does not have.
    SETTINGS = "settings"
    NOTHING = "nothing"
    #: What signs now: the revoked key does not sign.
    UNCHANGED = "unchanged"


def describe_effect(snapshot: Snapshot, key_pair: KeyPair | None) -> dict[str, Any]:
    """Return what the templates in effects/ fill in; ``key_pair`` is the step's, if it has one."""
    waits = snapshot.rotation.waits
    active = snapshot.active
    # In words: who reads the page confirms it later, and the wait begins then.
    retirement = max(waits.retirement, active.retirement_seconds if active else 0)
    values: dict[str, Any] = {
        "key_group_id": snapshot.rotation.key_group_id,
        "signing_key": snapshot.signing_name,
        "active": active,
        "successor": snapshot.successor,
        "settings_key_id": snapshot.settings_key_id,
        "propagation": in_words(timedelta(seconds=waits.propagation)),
        "keyring": in_words(timedelta(seconds=waits.keyring)),
        "retirement": in_words(timedelta(seconds=retirement)),
    }
    if key_pair is not None:
        minutes = broken_minutes(snapshot, key_pair)
        values |= {
            "key": key_pair,
            "public_key": ShownKey.of(key_pair),
            "typed_name": typed_name(key_pair),
            "broken_minutes": minutes,
            "broken": in_words(timedelta(minutes=minutes)),
            "after": what_signs_after(snapshot, key_pair),
            "retiring_since": key_pair.retiring_at and date_and_time(key_pair.retiring_at),
            "successor_is_closed": (
                snapshot.successor is not None and snapshot.successor.pk in snapshot.seal_problems
            ),
        }
    return values


def broken_minutes(snapshot: Snapshot, key_pair: KeyPair) -> int:
    """Return how many minutes of links stop working if the key pair is revoked now."""
    rotation = snapshot.rotation
    if key_pair.status == KeyStatus.ACTIVE:
        return math.ceil(rotation.link_lifetime(key_pair) / 60)
    last_expiry = rotation.links_end(key_pair)
    if key_pair.status == KeyStatus.RETIRING and last_expiry is not None:
        return max(0, math.ceil((last_expiry - snapshot.now).total_seconds() / 60))
    return 0


def what_signs_after(snapshot: Snapshot, key_pair: KeyPair) -> After:
    """Return what signs once the key pair is revoked."""
    if key_pair.status != KeyStatus.ACTIVE:
        return After.UNCHANGED
    successor = snapshot.successor
    if successor is None or successor.pk in snapshot.seal_problems:
        if not snapshot.by_hand:
            return After.NEW_KEY
    else:
        is_known = not snapshot.rotation.blockers(successor, KeyStatus.ACTIVE, snapshot.now)
        # One that CloudFront does not trust yet is brought there first where the site may.
        if successor.status == KeyStatus.TRUSTED or not snapshot.by_hand:
            return After.SUCCESSOR if is_known else After.SUCCESSOR_EARLY
    return After.SETTINGS if snapshot.settings_key_may_sign else After.NOTHING
