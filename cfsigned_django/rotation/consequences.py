"""Tell what a revocation leads to: which links break, and what signs afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.rotation.importing import signing_settings_key, unknown_keys
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.removal import ready_successor
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.status import in_words


class SignsAfter(StrEnum):
    """What signs once a key pair is revoked."""

    #: The successor, which CloudFront is known to serve.
    SUCCESSOR = "successor"
    #: The successor, before its wait is over.
    SUCCESSOR_EARLY = "successor_early"
    #: A key that is created first, since this site may change CloudFront.
    NEW_KEY = "new_key"
    #: The key of the settings, which the database does not have.
    SETTINGS = "settings"
    NOTHING = "nothing"
    #: The key that signs now: the revoked key does not sign.
    UNCHANGED = "unchanged"


_WORDS = {
    SignsAfter.SUCCESSOR: gettext_lazy("%(next)s, at once."),
    SignsAfter.SUCCESSOR_EARLY: gettext_lazy(
        "%(next)s, at once. CloudFront may not know it everywhere yet: some new links may be "
        "refused for a few minutes."
    ),
    SignsAfter.NEW_KEY: gettext_lazy(
        "A new key, at once. It is generated and added to the key group first. CloudFront may not "
        "know it everywhere yet: some new links may be refused for a few minutes."
    ),
    SignsAfter.SETTINGS: gettext_lazy("The key from the settings, %(names)s."),
    SignsAfter.NOTHING: gettext_lazy("Nothing: pages with links to files fail."),
}


def what_signs_after(rotation: Rotation, key_pair: KeyPair, *, now: datetime) -> SignsAfter:
    """Return what signs once the key pair is revoked."""
    if key_pair.status != KeyStatus.ACTIVE:
        return SignsAfter.UNCHANGED
    # A key that CloudFront does not trust yet is added there first, if the site may.
    store = rotation.store
    successor = ready_successor(rotation) if rotation.by_hand else store.successor()
    if successor is not None and not successor.trust_problem:
        is_early = rotation.blockers(successor, KeyStatus.ACTIVE, now)
        return SignsAfter.SUCCESSOR_EARLY if is_early else SignsAfter.SUCCESSOR
    if not rotation.by_hand:
        return SignsAfter.NEW_KEY
    has_other = unknown_keys(rotation, rotation.settings_keys())
    return SignsAfter.SETTINGS if has_other else SignsAfter.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What the revocation of a key pair leads to, as sentences."""

    #: How long the last link that breaks would have worked, in minutes rounded up; 0 if none does.
    minutes: int
    breaks: str
    after: SignsAfter
    signs: str

    def as_lines(self) -> list[str]:
        """Return a line for each question that a person has before a revocation."""
        return [f"What breaks: {self.breaks}", f"What signs afterwards: {self.signs}"]


def consequences_of_revocation(
    rotation: Rotation, key_pair: KeyPair, *, now: datetime
) -> Consequences:
    """Return what breaks if the key pair is revoked now, and what signs afterwards."""
    minutes, after = (
        _broken_minutes(rotation, key_pair, now),
        what_signs_after(rotation, key_pair, now=now),
    )
    if minutes:
        breaks = _(
            "Every unexpired link that %(key)s signed. The last of them would have expired in "
            "%(time)s at most. Reloading a page gives new links."
        )
    else:
        breaks = _("Nothing: no link that %(key)s signed is still valid.")
    return Consequences(
        minutes=minutes,
        breaks=breaks % {"key": key_pair, "time": in_words(timedelta(minutes=minutes))},
        after=after,
        signs=_what_signs(rotation, after),
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


def _what_signs(rotation: Rotation, after: SignsAfter) -> str:
    successor, settings_key_id = rotation.store.successor(), signing_settings_key(rotation)
    if after is SignsAfter.UNCHANGED:
        signing = rotation.store.active() or settings_key_id
        return _("%(signing)s, as now.") % {"signing": signing} if signing else _("No key, as now.")
    unknown = unknown_keys(rotation, rotation.settings_keys())
    names = ", ".join(each.key_pair_id for each in unknown)
    words = _WORDS[after] % {"next": successor, "names": names}
    return f"{words} {_what_comes_first(rotation)}" if after is SignsAfter.NOTHING else words


def _what_comes_first(rotation: Rotation) -> str:
    """Return what to do before a revocation after which nothing signs."""
    successor = rotation.store.successor()
    if successor is None or successor.trust_problem:
        wait = in_words(timedelta(seconds=rotation.waits.propagation))
        text = _("If there is time, start a rotation first: a new key can sign after %(wait)s.")
        return text % {"wait": wait}
    text = _("If there is time, first add %(next)s to CloudFront and check that it works.")
    return text % {"next": successor}
