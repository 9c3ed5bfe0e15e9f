"""Rotate the signing keys by command: an adapter that calls rotation/steps.py."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseFailure
from django.utils.timezone import get_current_timezone_name, localtime

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.keyring import key_group_option
from cfsigned_django.management.command import CfsignedCommand, add_json, add_yes, read_duration
from cfsigned_django.rotation import steps
from cfsigned_django.rotation.active import unimported_keys
from cfsigned_django.rotation.importing import check_import
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation, has_signing_key, name_signing, state_of
from cfsigned_django.rotation.site import site_rotation, why_not_imported
from cfsigned_django.rotation.stages import (
    Action,
    PendingWait,
    find_overdue,
    find_unmade,
    find_waits,
    in_words,
    why_previous_key_stays,
)
from cfsigned_django.rotation.steps import Step, consequences_of_revocation
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.signing import KeyAlgorithm

NOT_YET = 75  # EX_TEMPFAIL
#: How long --wait sleeps between two looks, in seconds.
_LOOK_AGAIN = 2.0
#: What is waited for, in words, and until when if that is known.
_Blockers: TypeAlias = list[tuple[str, datetime | None]]


class Command(CfsignedCommand):
    help = (
        "Do the step that is due in the rotation of a key group, and report what blocks the step "
        "after it. Exit code 0: done or nothing to do; 75: not yet; 1: failed."
    )
    example = "--max-age 90d"

    #: Why the last step could not be done yet.
    _held_up = ""
    #: What a waiting person was already told; None if nobody reads it.
    _said: set[object] | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--start", action="store_true", help="begin a rotation")
        what.add_argument(
            "--import",
            action="store_true",
            dest="import_key",
            help="import the key of the settings into the database, as the ACTIVE key pair",
        )
        what.add_argument(
            "--max-age",
            type=read_duration,
            metavar="AGE",
            help="begin a rotation if the signing key is older, for example 90d",
        )
        what.add_argument(
            "--revoke",
            metavar="KEY_PAIR_ID",
            help="stop trusting a key now: every URL that it signed breaks. If the key has no "
            "public key ID, name it as the list shows it, or by its UUID",
        )
        add = parser.add_argument
        add(
            "--algorithm",
            choices=[each.value for each in KeyAlgorithm],
            help="algorithm of the new key. Default: ECDSA_P256; with --revoke, that of the "
            "revoked key",
        )
        text = f"reason, for the record; at most {REASON_LENGTH} characters"
        add("--reason", default="", help=text)
        add(
            "--key-group",
            metavar="ID",
            help="rotate this key group, which storages have as their key_group_id. Default: "
            "AWS_CLOUDFRONT_KEY_GROUP_ID",
        )
        add("--wait", action="store_true", help="go on until the rotation is finished")
        add("--dry-run", action="store_true", help="report what would be done now, and do nothing")
        add_json(parser)
        add_yes(parser, "--revoke")

    def run(self, options: dict[str, Any]) -> None:
        try:
            rotation = site_rotation(options["key_group"], changed_by="cfsigned_rotate")
            self._said = None if options["json"] else set()
            self._rotate(rotation, options)
        except steps.FAILURES as error:
            raise CommandError(str(error)) from error
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed ({type(error).__name__}). What was done is recorded: run "
                "this again when it answers. If it answers already, run manage.py migrate first: "
                "its tables may be missing, or older than this version of cfsigned_django."
            ) from error

    def _rotate(self, rotation: Rotation, options: dict[str, Any]) -> None:
        """Do what the options ask for, else the step that is due, then report."""
        step, did = _requested(rotation, options), None
        notes, nothing = _notes(rotation, step, options), "There is nothing to do."
        if options["dry_run"]:
            would = _would(rotation, step) if step else None
            due = would or steps.next_due(rotation, now=rotation.store.clock())
            notes.append(due or "No step is due now.")
            nothing = "Dry run: nothing was done."
        elif step and step.blocked:
            self._held_up = step.blocked
        elif self._is_confirmed(rotation, step, options):
            did = self._carry_out(rotation, options)
        else:
            return
        if blockers := self._blockers(rotation):
            nothing = nothing if options["dry_run"] else "Not yet:"
        now = rotation.store.clock()
        if text := why_previous_key_stays(rotation.store.rows, waits=rotation.waits, now=now):
            notes.append(text)
        if options["json"]:
            self.stdout.write(_as_json(rotation, did, blockers, notes))
        else:
            lines = [*notes, *(what for what, _until in blockers)]
            self.stdout.write(_as_text(rotation, did or nothing, lines))
        if options["dry_run"]:
            return
        if failed := _find_failures(rotation, step, did):
            raise CommandError(" ".join(failed))
        if blockers and did is None:
            sys.exit(NOT_YET)

    def _carry_out(self, rotation: Rotation, options: dict[str, Any]) -> str | None:
        """Do what is requested, else the step that is due; with --wait, all steps that follow."""

        def take_requested() -> str | None:
            step = _requested(rotation, options)
            if step is None:
                return None
            reason = KnownReason.REVOKED_BY_COMMAND if step.action is Action.REVOKE else ""
            return steps.take(
                rotation,
                step,
                now=rotation.store.clock(),
                algorithm=options["algorithm"] and KeyAlgorithm(options["algorithm"]),
                reason=options["reason"] or reason,
            ).text

        def go_on() -> str | None:
            return steps.advance(rotation, now=rotation.store.clock())

        def pause() -> None:
            self._tell(rotation)
            time.sleep(_LOOK_AGAIN)

        did = self._attempt(take_requested)
        while options["wait"] and self._held_up:
            pause()
            did = self._attempt(take_requested)
        if did is None and not self._held_up:
            did = self._attempt(go_on)
        while options["wait"] and steps.is_under_way(rotation):
            self._tell(rotation, did)
            step = self._attempt(go_on)
            did = step or did
            if step is None:
                if _find_overdue(rotation):
                    return None  # the report says what was done before, and that it is not the end
                waits = _find_waits(rotation)
                if waits and all(each.is_stuck for each in waits) and not self._held_up:
                    return did
                if options["start"] and rotation.store.successor() is None:
                    # The new key signs: the same command would begin another rotation.
                    group = key_group_option(rotation.key_group_id)
                    self.resume = f"run manage.py cfsigned_rotate --wait{group}"
                pause()
        return did

    def _attempt(self, step: Callable[[], str | None]) -> str | None:
        """Do a step and return what was done, if anything; note what held it up."""
        self._held_up = ""
        try:
            return step()
        except (AwsError, RotationError) as error:
            if not error.is_temporary:
                raise
            self._held_up = str(error)
            return None

    def _blockers(self, rotation: Rotation) -> _Blockers:
        held_up: _Blockers = [(self._held_up, None)] if self._held_up else []
        state = state_of(rotation)
        if state.problem or not (has_signing_key(rotation) or rotation.store.successor()):
            held_up.append((str(state.nothing_signs(None)), None))
        return held_up + [(each.what, each.until) for each in _find_waits(rotation)]

    def _is_confirmed(self, rotation: Rotation, step: Step | None, options: dict[str, Any]) -> bool:
        """Print what a revocation breaks, ask twice, and return whether it must be done."""
        key_pair = step.key_pair if step and step.action is Action.REVOKE else None
        if key_pair is None or key_pair.status == KeyStatus.REVOKED:
            return True
        name = key_pair.key_pair_id or options["revoke"]
        for line in _consequences(rotation, key_pair):
            self.stderr.write(line)
        if options["yes"]:
            return True
        otherwise = "Use --yes to revoke the key without confirmation."
        if self.ask("Revoke it? Answer yes or no: ", otherwise=otherwise) != "yes":
            self.stderr.write("Nothing was revoked.")
            return False
        if self.ask(f"Type {name} to revoke it: ", otherwise=otherwise) != name:
            raise CommandError(f"That is not {name}. Nothing was revoked.")
        return True

    def _tell(self, rotation: Rotation, did: str | None = None) -> None:
        """Print what was done, what held it up, and what is waited for; nothing twice."""
        if self._said is None:
            return
        lines: list[tuple[object, str]] = [("times", _times(rotation.store.clock()))]
        lines += [(line, line) for line in (did, self._held_up) if line]
        lines += [(each.topic, each.what) for each in _find_waits(rotation)]
        for topic, line in lines:
            if topic not in self._said:
                self._said.add(topic)
                self.stderr.write(line)


def _find_failures(rotation: Rotation, step: Step | None, did: str | None) -> Iterable[str]:
    """Return what a person must correct or look at, each once."""
    failed = [step.blocked] if step and step.blocked else []
    if did is None and (state := state_of(rotation)).problem:
        failed.append(str(state.nothing_signs(None)))
    failed += [each.what for each in _find_waits(rotation) if each.is_stuck]
    failed += _find_overdue(rotation) if did is None else []
    return dict.fromkeys(failed)


def _find_overdue(rotation: Rotation) -> list[str]:
    key_pairs = rotation.store.key_pairs()
    return list(find_overdue(rotation, now=rotation.store.clock(), key_pairs=key_pairs))


def _find_waits(rotation: Rotation) -> list[PendingWait]:
    key_pairs = rotation.store.key_pairs()
    return find_waits(rotation, now=rotation.store.clock(), key_pairs=key_pairs)


# What is requested


def _requested(rotation: Rotation, options: dict[str, Any]) -> Step | None:
    """Return the step that the options ask for, if it is to be taken now."""
    if options["import_key"]:
        return Step(action=Action.IMPORT, blocked=find_unmade(rotation))
    if options["revoke"]:
        return Step(action=Action.REVOKE, key_pair=_find(rotation, options["revoke"]))
    max_age, successor = options["max_age"], rotation.store.successor()
    if max_age is not None and (successor is None or successor.is_outdated):
        is_asked = steps.is_too_old(rotation, max_age, now=rotation.store.clock())
    else:
        is_asked = options["start"]
    return Step(action=Action.START) if is_asked else None


def _find(rotation: Rotation, name: str) -> KeyPair:
    """Return the key pair that a person names. Raise :exc:`RotationError` without one."""
    key_pair = rotation.store.find(name)
    if key_pair is not None:
        return key_pair
    known = ", ".join(map(str, rotation.store.key_pairs())) or "none"
    text = (
        f"The database has no key pair {name} in the key group {rotation.key_group_id}. It has: "
        f"{known}."
    )
    if name == name_signing(rotation):
        after = "A key of the settings can be revoked after --import."
        text += f" {why_not_imported(name) or after}"
    raise RotationError(text)


def _consequences(rotation: Rotation, key_pair: KeyPair) -> list[str]:
    found = consequences_of_revocation(rotation, key_pair, now=rotation.store.clock())
    return [f"What breaks: {found.breaks}", f"What signs afterwards: {found.signs}"]


def _would(rotation: Rotation, step: Step) -> str | None:
    """Return what the step would do, in the words of its button; None if it is not due."""
    if step.action is Action.IMPORT:
        check_import(rotation)
    unknown = unimported_keys(state_of(rotation), rotation.settings_keys())
    now, key_pairs = rotation.store.clock(), rotation.store.key_pairs()
    for each in steps.due(rotation, now=now, key_pairs=key_pairs, unimported_keys=unknown):
        if (each.action, each.key_pair) == (step.action, step.key_pair):
            lines = _consequences(rotation, step.key_pair) if step.key_pair else []
            if step.action is Action.START and (replaced := rotation.store.successor()):
                lines = [f"{replaced} would be revoked."]
            return " ".join((f"Would be done: {each.label}.", *lines))
    return None


def _notes(rotation: Rotation, step: Step | None, options: dict[str, Any]) -> list[str]:
    """Return what a person should know although it blocks nothing."""
    # A blocker says it, too, except of what is asked for.
    is_said = any(each.is_stuck for each in _find_waits(rotation)) if step is None else step.blocked
    notes = [] if is_said else [find_unmade(rotation)]
    key_pair_id = "" if rotation.store.active() else name_signing(rotation)
    if options["max_age"] is not None and key_pair_id:
        notes.append(
            why_not_imported(key_pair_id)
            or f"{key_pair_id}, the key of the settings, signs, and its age is unknown. Import "
            "it first (manage.py cfsigned_rotate --import): --max-age counts from the import."
        )
    return list(filter(None, notes))


# The report


def _as_json(rotation: Rotation, did: str | None, blockers: _Blockers, notes: list[str]) -> str:
    """Return the JSON that docs/reference/commands.md describes; moments are in UTC."""
    report = {
        "key_group_id": rotation.key_group_id,
        "did": did,
        "blockers": [{"what": what, "until": _utc(until)} for what, until in blockers],
        "keys": [
            {
                "key_pair_id": each.key_pair_id,
                "status": each.status,
                "algorithm": each.algorithm,
                "since": _utc(each.since),
            }
            for each in rotation.store.key_pairs()
        ],
        "notes": notes,
    }
    return json.dumps(report, indent=2)


def _as_text(rotation: Rotation, headline: str, lines: list[str]) -> str:
    """Return the report and the key pairs for a person, with times as this site shows them."""
    now = rotation.store.clock()
    text = [headline, *(f"  {line}" for line in lines)]
    text.append(f"Key group {rotation.key_group_id}, {_times(now)}:")
    for each in rotation.store.key_pairs():
        state, age = each.get_status_display(), in_words(now - each.since)
        text.append(f"  {each!s:<16} {state:<9} for {age:<9} {each.get_algorithm_display()}")
    return "\n".join(text)


def _times(now: datetime) -> str:
    """Return the time, and the time zone in which times are shown."""
    local, name = localtime(now), get_current_timezone_name()
    zone = "" if name == local.tzname() else f" ({name})"
    return f"{local:%Y-%m-%d %H:%M:%S %Z}{zone}"


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
