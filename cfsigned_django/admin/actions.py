"""Take a step, and say what came of it in words for the person who took it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django.admin.steps import Step
from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import (
    Blocked,
    Claimed,
    ProbeFailed,
    Rotation,
    RotationError,
    Unanswered,
)
from cfsigned_django.rotation.site import import_settings_key, settings_keys
from cfsigned_django.rotation.status import clock_time, find_waits, in_words
from cfsigned_django.rotation.steps import (
    were_restored,
)
from cfsigned_django.signing import InvalidKey, KeyAlgorithm

#: What a step may raise, and a person is told instead of a server error.
FAILURES = (AwsError, RotationError, CannotUnseal, ImproperlyConfigured, InvalidKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a step came to; ``level`` is one of django.contrib.messages'."""

    text: str
    level: int = messages.SUCCESS
    #: The key pair to write into the log, where the rotation reports no move of it.
    key_pair: KeyPair | None = None


class NotTheKey(RotationError):
    """Report that CloudFront has another public key under the id that was given."""

    def __init__(self, key_pair_id: str) -> None:
        super().__init__(
            _(
                "CloudFront has another public key under %(id)s. Compare: the public key there "
                "must be the one that is shown here."
            )
            % {"id": key_pair_id}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step to be taken, with the answers of its form."""

    rotation: Rotation
    now: datetime
    key_pair: KeyPair | None
    answers: Mapping[str, Any]

    def take(self, step: Step) -> Outcome:
        """Take the step. Raise one of :data:`FAILURES` where it cannot be taken."""
        if self.key_pair is None:
            return {Step.IMPORT: self._import, Step.START: self._start}[step]()
        return _MOVES[step](self, self.key_pair)

    def _import(self) -> Outcome:
        key_pair = import_settings_key(self.rotation, now=self.now)
        text = _(
            "%(key)s is in the database and signs from there. It can be replaced now. Remove "
            "%(settings)s before that."
        )
        held = settings_keys(self.rotation)
        names = ", ".join(each.names for each in held if each.key_pair_id == str(key_pair))
        return Outcome(text=text % {"key": key_pair, "settings": names})

    def _start(self) -> Outcome:
        spare = bool(self.answers.get("spare"))
        key_pair = self.rotation.start(
            algorithm=KeyAlgorithm(self.answers.get("algorithm", KeyAlgorithm.ECDSA_P256)),
            now=self.now,
            reason=self.answers["reason"],
            spare=spare,
        )
        if key_pair.status == KeyStatus.TRUSTED:
            text = _("The spare %(key)s is the next key. CloudFront trusts it already.")
        elif spare:
            text = _("The spare %(key)s was generated. Let CloudFront trust it next.")
        else:
            text = _("%(key)s was generated. Let CloudFront trust it next.")
        return Outcome(text=text % {"key": key_pair}, key_pair=key_pair)

    def _trust(self, key_pair: KeyPair) -> Outcome:
        key_pair_id = self.answers.get("key_pair_id", "")
        if key_pair_id:
            self._refuse_other_key(key_pair, key_pair_id)
        self.rotation.trust(key_pair, now=self.now, key_pair_id=key_pair_id)
        text = _("CloudFront begins to trust %(key)s. It signs once it has worked for %(wait)s.")
        wait = in_words(timedelta(seconds=self.rotation.waits.propagation))
        return Outcome(text=text % {"key": key_pair, "wait": wait})

    def _refuse_other_key(self, key_pair: KeyPair, key_pair_id: str) -> None:
        """Probe before the id is written down: a slip would have to be revoked."""
        former, key_pair.key_pair_id = key_pair.key_pair_id, key_pair_id
        result = self.rotation.probe(key_pair.make_signer())
        key_pair.key_pair_id = former
        if result is ProbeResult.WRONG_KEY:
            raise NotTheKey(key_pair_id)

    def _check(self, key_pair: KeyPair) -> Outcome:
        # While a key is not in its group, each of its links is refused.
        back = self.rotation.restore_missing(self.rotation.store.key_pairs(), now=self.now)
        if back:
            return Outcome(text=were_restored(back).text, level=messages.WARNING)
        if key_pair.status != KeyStatus.TRUSTED:
            text = _("%(key)s is in the key group, and so is every key whose links are out.")
            return Outcome(text=text % {"key": key_pair})
        match self.rotation.check(key_pair, now=self.now, is_in_group=True):
            case ProbeResult.GOOD:
                return Outcome(text=_("CloudFront knows %(key)s.") % {"key": key_pair})
            case ProbeResult.UNKNOWN_KEY:
                text = _("CloudFront does not know %(key)s yet. Check again in a minute.")
            case ProbeResult.WRONG_KEY:
                return Outcome(text=str(NotTheKey(str(key_pair))), level=messages.ERROR)
            case (ProbeResult.REFUSED | ProbeResult.UNRESTRICTED) as result:
                return Outcome(text=str(ProbeFailed(key_pair, result)), level=messages.ERROR)
            case _no_answer:
                text = _("CloudFront did not answer the probe, which says nothing about %(key)s.")
        return Outcome(text=text % {"key": key_pair}, level=messages.WARNING)

    def _activate(self, key_pair: KeyPair) -> Outcome:
        # A last look: a key that is refused, or cannot be opened, must not sign.
        former = self.rotation.activate(key_pair, now=self.now)
        keyring = in_words(timedelta(seconds=self.rotation.waits.keyring))
        text = _("%(key)s signs from now on; every process follows within %(keyring)s.") % {
            "key": key_pair,
            "keyring": keyring,
        }
        for wait in find_waits(self.rotation, now=self.now):
            # The moment that its card shows, and not one that is worked out anew.
            if former is not None and wait.key_pair.pk == former.pk and wait.until is not None:
                sentence = _(
                    "From %(clock)s on %(former)s may go; until then the links work that it signed."
                )
                clock = clock_time(wait.until, self.now)
                text = f"{text} {sentence % {'former': former, 'clock': clock}}"
        return Outcome(text=text)

    def _retire(self, key_pair: KeyPair) -> Outcome:
        self.rotation.retire(key_pair, now=self.now)
        text = _("%(key)s is retired: CloudFront no longer knows it, its private key is erased.")
        return Outcome(text=text % {"key": key_pair})

    def _revoke(self, key_pair: KeyPair) -> Outcome:
        reason = self.answers["reason"] or KnownReason.REVOKED_IN_ADMIN
        was_active = key_pair.active_in is not None
        self.rotation.revoke(key_pair, now=self.now, reason=reason)
        sentences = [is_revoked(key_pair)]
        if key_pair.removed_at is not None:
            sentences.append(_is_out(key_pair))
        active = self.rotation.store.active()
        if was_active and active is not None:
            sentences.append(_("%(key)s signs now.") % {"key": active})
        return Outcome(text=" ".join(sentences), level=messages.WARNING)

    def _finish(self, key_pair: KeyPair) -> Outcome:
        self.rotation.finish_revocation(key_pair, now=self.now)
        return Outcome(text=_is_out(key_pair), key_pair=key_pair)


_MOVES: dict[Step, Callable[[Move, KeyPair], Outcome]] = {
    Step.TRUST: Move._trust,
    Step.CORRECT: Move._trust,
    Step.CHECK: Move._check,
    Step.ACTIVATE: Move._activate,
    Step.RETIRE: Move._retire,
    Step.REVOKE: Move._revoke,
    Step.FINISH: Move._finish,
}


def is_revoked(key_pair: KeyPair) -> str:
    """Say that a key no longer signs, whatever became of the rest."""
    return _("%(key)s is revoked: it no longer signs.") % {"key": key_pair}


def _is_out(key_pair: KeyPair) -> str:
    text = _("%(key)s is out of CloudFront: links that it signed no longer open.")
    return text % {"key": key_pair}


def put_in_words(error: Exception) -> str:
    """Return what a failure means, in the person's language as far as it is this package's."""
    if isinstance(error, Claimed):
        return _("Another process is at the same step. Look again in a minute.")
    if isinstance(error, Unanswered):
        return _("CloudFront did not answer the last probe. Look again in a minute.")
    if isinstance(error, Blocked):
        return _("%(key)s cannot take this step now. The page shows what it waits for.") % {
            "key": error.key_pair
        }
    if isinstance(error, CannotUnseal):
        return _(str(error))
    return str(error)
