"""Name the steps that a person can take, and find those that are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.admin.snapshot import Snapshot, is_unfinished
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import clock_time

ROTATE, REVOKE = "cfsigned_django.rotate_keypair", "cfsigned_django.revoke_keypair"


class Step(StrEnum):
    """Name what a person can do; the value stands in the address of its page."""

    IMPORT = "import"
    START = "start"
    TRUST = "trust"
    CORRECT = "correct"
    CHECK = "check"
    ACTIVATE = "activate"
    RETIRE = "retire"
    REVOKE = "revoke"
    FINISH = "finish"

    @property
    def permissions(self) -> frozenset[str]:
        """Return the permissions of which one is needed."""
        return _PERMISSIONS.get(self, frozenset({ROTATE}))

    @property
    def has_key_pair(self) -> bool:
        """Tell whether the step is one of a key pair, not of the whole key group."""
        return self not in (Step.IMPORT, Step.START)

    @property
    def is_confirmed(self) -> bool:
        """Tell whether a page says what will happen first; the others change nothing outside."""
        return self not in (Step.IMPORT, Step.CHECK)

    @property
    def url_name(self) -> str:
        """Return the name of its address."""
        return f"admin:cfsigned_django_keypair_{self.value}"


_PERMISSIONS = {
    Step.REVOKE: frozenset({REVOKE}),
    # Who could begin it, and who keeps the keys in order anyway.
    Step.FINISH: frozenset({ROTATE, REVOKE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A step that is due: now, or as soon as what blocks it is over."""

    step: Step
    key_pair: KeyPair | None = None
    #: Why it cannot be done yet, as a sentence; empty where it can.
    blocked: str = ""
    by_hand: bool = False

    @property
    def is_aside(self) -> bool:
        """Tell whether only the page of its key offers it: no rotation comes further by it."""
        key_pair = self.key_pair
        return self.step is Step.CHECK and key_pair is not None and key_pair.next_in is None

    @property
    def label(self) -> str:
        """Return what stands on its button."""
        if self.step is Step.TRUST and self.by_hand:
            return _("Enter its id")
        return str(_LABELS[self.step])


_LABELS = {
    Step.IMPORT: gettext_lazy("Import the key of the settings"),
    Step.START: gettext_lazy("Start rotation"),
    Step.TRUST: gettext_lazy("Let CloudFront trust it"),
    Step.CORRECT: gettext_lazy("Correct its id"),
    Step.CHECK: gettext_lazy("Check again"),
    Step.ACTIVATE: gettext_lazy("Activate"),
    Step.RETIRE: gettext_lazy("Retire"),
    Step.REVOKE: gettext_lazy("Revoke"),
    Step.FINISH: gettext_lazy("Finish the revocation"),
}


def find_offers(snapshot: Snapshot) -> list[Offer]:
    """Return the steps that are due, the most urgent first; revoking comes last."""
    return [
        *_by_status(snapshot, KeyStatus.REVOKED),
        *(each for each in _by_status(snapshot, KeyStatus.RETIRING) if not each.blocked),
        *_by_status(snapshot, KeyStatus.PENDING),
        *_by_status(snapshot, KeyStatus.TRUSTED),
        *_of_the_group(snapshot),
        *(each for each in _by_status(snapshot, KeyStatus.RETIRING) if each.blocked),
        *_looks(snapshot),
        *_revocations(snapshot),
    ]


def _of_the_group(snapshot: Snapshot) -> Iterator[Offer]:
    may_import = snapshot.settings_key_may_sign and not snapshot.is_key_of_trusted_signer
    if snapshot.active is None and may_import:
        yield Offer(step=Step.IMPORT)
    successor = snapshot.successor
    if successor is None or successor.is_spare:
        yield Offer(step=Step.START, by_hand=snapshot.by_hand)


def _looks(snapshot: Snapshot) -> Iterator[Offer]:
    """Yield a look whether the keys are in their group whose links are out."""
    for key_pair in snapshot.key_pairs:
        is_waiting = key_pair.status == KeyStatus.RETIRING and key_pair.pk in snapshot.waits
        if not snapshot.by_hand and (is_waiting or key_pair.status == KeyStatus.ACTIVE):
            blocked = _claimed(snapshot, key_pair)
            yield Offer(step=Step.CHECK, key_pair=key_pair, blocked=blocked)


def _by_status(snapshot: Snapshot, status: KeyStatus) -> Iterator[Offer]:
    for key_pair in snapshot.key_pairs:
        if key_pair.status == status and is_unfinished(key_pair):
            for step, blocked in _steps_of(snapshot, key_pair):
                yield Offer(
                    step=step,
                    key_pair=key_pair,
                    blocked=_claimed(snapshot, key_pair) or blocked,
                    by_hand=snapshot.by_hand,
                )


def _steps_of(snapshot: Snapshot, key_pair: KeyPair) -> Iterator[tuple[Step, str]]:
    """Yield the steps of one key pair, each with what blocks it."""
    wait = snapshot.waits.get(key_pair.pk)
    what = wait.what if wait else ""
    seal_problem = snapshot.seal_problems.get(key_pair.pk, "")
    match KeyStatus(key_pair.status):
        case KeyStatus.PENDING:
            yield Step.TRUST, seal_problem
        case KeyStatus.TRUSTED if key_pair.is_spare:
            if key_pair.good_since is None:
                yield Step.CHECK, seal_problem
                yield from _corrections(snapshot, seal_problem)
        case KeyStatus.TRUSTED:
            # What is the next thing to do stands first: looking, or waiting.
            activate, check = (Step.ACTIVATE, seal_problem or what), (Step.CHECK, seal_problem)
            if key_pair.good_since is None:
                yield from (check, activate, *_corrections(snapshot, seal_problem))
            else:
                yield from (activate, check)
        case KeyStatus.RETIRING:
            yield Step.RETIRE, what
        case _revoked:
            yield Step.FINISH, ""


def _corrections(snapshot: Snapshot, seal_problem: str) -> Iterator[tuple[Step, str]]:
    """Yield the way to another id, which may be wrong only where a person enters it."""
    if snapshot.by_hand:
        yield Step.CORRECT, seal_problem


def _claimed(snapshot: Snapshot, key_pair: KeyPair) -> str:
    if not snapshot.is_claimed(key_pair) or key_pair.claimed_until is None:
        return ""
    return _("A call to CloudFront is under way, or has just failed: wait until %(clock)s.") % {
        "clock": clock_time(key_pair.claimed_until, snapshot.now)
    }


def _revocations(snapshot: Snapshot) -> Iterator[Offer]:
    for key_pair in snapshot.key_pairs:
        if not KeyStatus(key_pair.status).is_final:
            yield Offer(step=Step.REVOKE, key_pair=key_pair, by_hand=snapshot.by_hand)
