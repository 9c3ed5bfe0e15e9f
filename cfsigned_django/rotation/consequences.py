"""Tell what a revocation leads to: which links break, and what signs afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cfsigned_django.rotation.importing import signing_settings_key, unknown_keys
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.removal import ready_successor
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.status import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What the revocation of a key pair leads to, as sentences."""

    #: How long the last link that breaks would have worked, in minutes rounded up; 0 if none does.
    minutes: int
    breaks: str
    signs: str
    #: Whether nothing signs afterwards: pages with links to files fail.
    is_outage: bool

    def as_lines(self) -> list[str]:
        """Return a line for each question that a person has before a revocation."""
        return [f"What breaks: {self.breaks}", f"What signs afterwards: {self.signs}"]


def consequences_of_revocation(
    rotation: Rotation, key_pair: KeyPair, *, now: datetime
) -> Consequences:
    """Return what breaks if the key pair is revoked now, and what signs afterwards."""
    minutes = _broken_minutes(rotation, key_pair, now)
    if minutes:
        breaks = _(
            "Every unexpired link that %(key)s signed. The last of them would have expired in "
            "%(time)s at most. Reloading a page gives new links."
        )
    else:
        breaks = _("Nothing: no link that %(key)s signed is still valid.")
    signs = _what_signs(rotation, key_pair, now)
    return Consequences(
        minutes=minutes,
        breaks=breaks % {"key": key_pair, "time": in_words(60 * minutes)},
        signs=signs or _what_comes_first(rotation),
        is_outage=not signs,
    )


def _broken_minutes(rotation: Rotation, key_pair: KeyPair, now: datetime) -> int:
    if key_pair.status == KeyStatus.ACTIVE:
        # Lowering the settings after the key began to sign does not shorten any existing link.
        longer = max(0, key_pair.retirement_seconds - rotation.waits.retirement)
        return math.ceil((rotation.waits.url_lifetime + longer) / 60)
    last_expiry = rotation.links_end(key_pair)
    if key_pair.status == KeyStatus.RETIRING and last_expiry is not None:
        return max(0, math.ceil((last_expiry - now).total_seconds() / 60))
    return 0


def _what_signs(rotation: Rotation, key_pair: KeyPair, now: datetime) -> str:
    """Return what signs once the key pair is revoked; "" if nothing does because of that."""
    store = rotation.store
    if key_pair.status != KeyStatus.ACTIVE:
        signing = store.active() or signing_settings_key(rotation)
        return _("%(signing)s, as now.") % {"signing": signing} if signing else _("No key, as now.")
    # A key that CloudFront does not trust yet is added there first, if the site may.
    successor = ready_successor(rotation) if rotation.by_hand else store.successor()
    if successor is not None and not successor.trust_problem:
        if rotation.blockers(successor, KeyStatus.ACTIVE, now):
            text = _(
                "%(next)s, at once. CloudFront may not know it everywhere yet: some new links may "
                "be refused for a few minutes."
            )
        else:
            text = _("%(next)s, at once.")
        return text % {"next": successor}
    if not rotation.by_hand:
        return _(
            "A new key, at once. It is generated and added to the key group first. CloudFront may "
            "not know it everywhere yet: some new links may be refused for a few minutes."
        )
    unknown = unknown_keys(rotation, rotation.settings_keys())
    names = ", ".join(each.key_pair_id for each in unknown)
    return _("The key from the settings, %(names)s.") % {"names": names} if names else ""


def _what_comes_first(rotation: Rotation) -> str:
    """Return that nothing signs after a revocation, and what to do before it."""
    successor = rotation.store.successor()
    if successor is None or successor.trust_problem:
        text = _("If there is time, start a rotation first: a new key can sign after %(wait)s.")
    else:
        text = _("If there is time, first add %(next)s to CloudFront and check that it works.")
    wait = in_words(rotation.waits.propagation)
    sentences = (
        _("Nothing: pages with links to files fail."),
        text % {"wait": wait, "next": successor},
    )
    return " ".join(sentences)
