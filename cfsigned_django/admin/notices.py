"""What a person should know about the keys, the worst first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest

from django.core.exceptions import ImproperlyConfigured
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cfsigned_django.admin.snapshot import Snapshot, is_unfinished
from cfsigned_django.rotation.active import nothing_signs
from cfsigned_django.rotation.lifecycle import OLD, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.settings_key import refuse_different, why_not_imported
from cfsigned_django.rotation.stages import (
    clock_time,
    find_overdue,
    find_unmade,
    in_words,
    why_previous_key_stays,
)

#: How bad it is, the worst first; the page has a color for each.
ERROR, WARNING, INFO = LEVELS = ("error", "warning", "info")
#: A command with its options, an option, or a name: a setting, or an argument.
_CODE = re.compile(
    r"(manage\.py \w+(?: --[a-z-]+(?: [\w-]*\d[\w-]*)?)*|--[a-z-]+|\b[A-Za-z]+_\w+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know."""

    level: str
    text: str
    #: The cause and the fix, if the rotation knows them.
    detail: str = ""

    @property
    def html(self) -> SafeString:
        """Return text and detail, with marks for names of code and for commands to type."""
        parts = _CODE.split(f"{self.text} {self.detail}".strip())
        tags = ("kbd" if " " in each else "code" for each in parts[1::2])
        marked = (
            format_html("<{0}>{1}</{0}>", *each) for each in zip(tags, parts[1::2], strict=True)
        )
        return format_html_join("", "{}{}", zip_longest(parts[::2], marked, fillvalue=""))


def find_notices(snapshot: Snapshot) -> list[Notice]:
    """Return what to know about the keys now."""
    found = [notice for find in _NOTICES for notice in find(snapshot)]
    return sorted(found, key=lambda notice: LEVELS.index(notice.level))


def _nothing_signs(snapshot: Snapshot) -> Iterator[Notice]:
    if not snapshot.signing_name:
        yield Notice(ERROR, nothing_signs(snapshot.signing_state))


def _cannot_decrypt(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        problem = snapshot.decryption_problems.get(key_pair.pk)
        if problem is None:
            continue
        if key_pair.status == KeyStatus.ACTIVE:
            text = _(
                "The private key of %(key)s, the signing key, cannot be decrypted: pages with "
                "links to files fail."
            )
            level = ERROR
        else:
            text = _("The private key of %(key)s cannot be decrypted. The other keys still work.")
            level = WARNING
        yield Notice(level, text % {"key": key_pair}, problem)


def _old_encryption(snapshot: Snapshot) -> Iterator[Notice]:
    rotation = snapshot.rotation
    # Those of all key groups: they have one encryption key.
    if text := why_previous_key_stays(rotation.store.rows, waits=rotation.waits, now=snapshot.now):
        yield Notice(WARNING, text)


def _revoked_but_trusted(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        if key_pair.status != KeyStatus.REVOKED or not is_unfinished(key_pair):
            continue
        if key_pair.active_at is None:
            text = _(
                "%(key)s is revoked. It has signed nothing, but CloudFront may still trust it."
            )
        else:
            text = _(
                "%(key)s is revoked and no longer signs, but CloudFront may still trust it: "
                "links that it signed may still open."
            )
        yield Notice(ERROR, text % {"key": key_pair})


def _settings_key(snapshot: Snapshot) -> Iterator[Notice]:
    active, unknown = snapshot.active, snapshot.unknown_keys
    for key in snapshot.settings_keys:
        if key not in unknown:
            text = _(
                "%(key)s is in the database, so the copy in the settings is no longer used. Remove "
                "%(settings)s."
            )
            values = {"key": key.key_pair_id, "settings": key.names}
            yield Notice(INFO, text % values)
    if active is not None:
        yield from _keys_left_over(snapshot, active)
    elif len(unknown) == 1 and (why := why_not_imported(unknown[0].key_pair_id)):
        yield Notice(WARNING, why)
    elif len(unknown) == 1:
        text = _(
            "%(key)s, the key from the settings, signs. Import it: then it can be replaced "
            "without a restart, and retired in time. If another site signs with the same key, "
            "first give that site a different key."
        )
        yield Notice(INFO, text % {"key": snapshot.settings_key_id})
    elif unknown:
        try:
            refuse_different(unknown)
        except ImproperlyConfigured as error:
            yield Notice(WARNING, str(error))


def _keys_left_over(snapshot: Snapshot, active: KeyPair) -> Iterator[Notice]:
    free = active.since + timedelta(seconds=snapshot.rotation.waits.retirement)
    for key in snapshot.unknown_keys:
        text = _(
            "%(key)s, the key from the settings, no longer signs. It was not imported, so nothing "
            "removes it from CloudFront. After %(clock)s, remove it from the settings and, by "
            "hand, from CloudFront."
        )
        values = {"key": key.key_pair_id, "clock": clock_time(free, snapshot.now)}
        yield Notice(WARNING, text % values)


def _unmade(snapshot: Snapshot) -> Iterator[Notice]:
    if text := find_unmade(snapshot.rotation):
        yield Notice(WARNING, text)


def _overdue(snapshot: Snapshot) -> Iterator[Notice]:
    for text in find_overdue(snapshot.rotation, now=snapshot.now, key_pairs=snapshot.key_pairs):
        yield Notice(WARNING, text)


def _old(snapshot: Snapshot) -> Iterator[Notice]:
    active = snapshot.active
    if active is not None and snapshot.now - active.since > OLD and snapshot.successor is None:
        yield Notice(
            WARNING,
            _("%(key)s has signed for %(age)s. Keys should be replaced every %(days)s days.")
            % {"key": active, "age": in_words(snapshot.now - active.since), "days": OLD.days},
        )


def _claimed(snapshot: Snapshot) -> Iterator[Notice]:
    for key_pair in snapshot.key_pairs:
        until = key_pair.claimed_until
        if is_unfinished(key_pair) and until is not None and until > snapshot.now:
            yield Notice(
                INFO,
                _(
                    "A call to CloudFront for %(key)s is under way or has just failed. Wait until "
                    "%(clock)s."
                )
                % {"key": key_pair, "clock": clock_time(until, snapshot.now)},
            )


_NOTICES: tuple[Callable[[Snapshot], Iterator[Notice]], ...] = (
    _nothing_signs,
    _cannot_decrypt,
    _old_encryption,
    _revoked_but_trusted,
    _settings_key,
    _unmade,
    _overdue,
    _old,
    _claimed,
)
