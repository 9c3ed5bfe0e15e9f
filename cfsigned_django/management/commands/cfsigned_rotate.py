"""Rotate the signing keys: an adapter that calls rotation_steps.py.

Exit codes: 0 done or nothing to do, 75 (EX_TEMPFAIL) not yet, 1 failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import DataError, Error as DatabaseFailure, ProgrammingError

from cfsigned_django import conf
from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.management.rotation_options import add_rotation_options
from cfsigned_django.management.rotation_progress import Progress
from cfsigned_django.management.rotation_request import Request
from cfsigned_django.rotation.record import read_clock
from cfsigned_django.rotation.report import Blocker, Report
from cfsigned_django.rotation.resealing import reseal_all
from cfsigned_django.rotation.rotation import Rotation, RotationError
from cfsigned_django.rotation.site import signing_settings_key, site_rotation
from cfsigned_django.rotation.status import find_all
from cfsigned_django.rotation.steps import advance, is_under_way, next_due, will_pass
from cfsigned_django.rotation.stuck import find_stuck
from cfsigned_django.signing import InvalidKey, KeyAlgorithm

NOT_YET = 75


class Command(BaseCommand):
    """Do the next legal step of a key rotation, and say what blocks the one after."""

    help = (
        "Do the next legal step of the rotation of AWS_CLOUDFRONT_KEY_GROUP_ID, and say what "
        "blocks the one after. Exit code 0: done or nothing to do; 75: not yet; 1: failed."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Why the last step could not be done for now.
        self._held_up = ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_rotation_options(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; see the module's docstring for the exit code."""
        try:
            if options["reseal"]:
                self._reseal(options)
            else:
                self._rotate(site_rotation(changed_by="cfsigned_rotate"), options)
        except (AwsError, CannotUnseal, ImproperlyConfigured, InvalidKey, RotationError) as error:
            raise CommandError(str(error)) from error
        except (DataError, ProgrammingError) as error:
            raise CommandError(
                f"The database refuses what it is told to do ({type(error).__name__}), and will "
                "refuse it again. What was done before is recorded. Its tables may be older than "
                "this version: run manage.py migrate."
            ) from error
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed ({type(error).__name__}). What was done is recorded; run "
                "this again when it answers."
            ) from error

    def _rotate(self, rotation: Rotation, options: dict[str, Any]) -> None:
        """Do what the options ask for, else the next legal step, then report."""
        algorithm = options["algorithm"]
        request = Request(
            rotation=rotation,
            start=options["start"],
            import_key=options["import_key"],
            max_age=options["max_age"],
            revoke=options["revoke"] or "",
            algorithm=algorithm and KeyAlgorithm(algorithm),
            reason=options["reason"],
        )
        spare = _spare_algorithm(rotation)
        did, notes = None, request.notes()
        if options["dry_run"]:
            due = request.would() or next_due(rotation, now=rotation.clock(), spare_algorithm=spare)
            notes.append(due or "No step is due now.")
        else:
            if request.revoke and not request.is_revoked():
                self._confirm(request, options)
            did = self._carry_out(request, options)
        blockers = self._blockers(rotation)
        self._print(
            Report(
                key_group_id=rotation.key_group_id,
                did=did,
                blockers=blockers,
                key_pairs=rotation.key_pairs(),
                now=rotation.clock(),
                notes=notes,
                is_dry_run=options["dry_run"],
            ),
            options,
        )
        if did is None and not options["dry_run"]:
            if stuck := _find_stuck(rotation):
                raise CommandError(" ".join(stuck))
            if blockers:
                sys.exit(NOT_YET)

    def _carry_out(self, request: Request, options: dict[str, Any]) -> str | None:
        """Do what is asked for, else the next legal step; with --wait, all that follow."""
        rotation = request.rotation

        def go_on() -> str | None:
            spare = _spare_algorithm(rotation)
            return advance(rotation, now=rotation.clock(), spare_algorithm=spare)

        progress = Progress(rotation=rotation, write=None if options["json"] else self.stderr.write)
        did = self._attempt(request.carry_out)
        while options["wait"] and self._held_up:
            progress.pause(self._held_up)
            did = self._attempt(request.carry_out)
        if did is None and not self._held_up:
            did = self._attempt(go_on)
        while options["wait"] and is_under_way(rotation):
            progress.show(did, self._held_up)
            step = self._attempt(go_on)
            did = step or did
            if step is None:
                if _find_stuck(rotation):
                    return None  # what was done before is told, and that this is not its end
                progress.pause(self._held_up)
        return did

    def _attempt(self, step: Callable[[], str | None]) -> str | None:
        """Do a step and return what was done, if anything; keep what held it up for now."""
        self._held_up = ""
        try:
            return step()
        except (AwsError, RotationError) as error:
            if not will_pass(error):
                raise
            self._held_up = str(error)
            return None

    def _blockers(self, rotation: Rotation) -> list[Blocker]:
        held_up: list[Blocker] = [(self._held_up, None)] if self._held_up else []
        if _waits_for_start(rotation):
            held_up.append(("No key signs. Begin with: manage.py cfsigned_rotate --start", None))
        return [
            *held_up,
            *((each.what, each.until) for each in find_all(rotation, now=rotation.clock())),
        ]

    def _confirm(self, request: Request, options: dict[str, Any]) -> None:
        """Say what a revocation breaks, and ask a person who is there, twice."""
        name = request.key_to_revoke().key_pair_id or request.revoke
        for line in request.consequences():
            self.stderr.write(line)
        if options["no_input"]:
            return
        if _ask("Revoke it? Answer yes or no: ") != "yes" or (
            _ask(f"Type {name} to revoke it: ") != name
        ):
            raise CommandError("Nothing was revoked.")

    def _reseal(self, options: dict[str, Any]) -> None:
        result = reseal_all(dry_run=options["dry_run"])
        text = f"Private keys sealed with the newest encryption key: {len(result.sealed)}"
        blockers: list[Blocker] = [(f"{each}: {result.problem}", None) for each in result.closed]
        is_dry_run = options["dry_run"]
        report = Report(
            key_group_id=conf.default_of("key_group_id"),
            did=None if is_dry_run or not result.sealed else f"{text}.",
            blockers=blockers,
            key_pairs=[*result.sealed, *result.closed],
            now=read_clock(),
            notes=[f"{text}, were this no dry run."] if is_dry_run else [],
            is_dry_run=is_dry_run,
        )
        self._print(report, options)
        if result.closed:
            names = ", ".join(map(str, result.closed))
            raise CannotUnseal(f"Not every private key could be opened: {names}. {result.problem}")

    def _print(self, report: Report, options: dict[str, Any]) -> None:
        self.stdout.write(report.as_json() if options["json"] else report.as_text())


def _find_stuck(rotation: Rotation) -> list[str]:
    by_hand = rotation.key_groups is None
    return find_stuck(rotation, now=rotation.clock(), by_hand=by_hand)


def _signs(rotation: Rotation) -> bool:
    return rotation.active() is not None or bool(signing_settings_key(rotation))


def _waits_for_start(rotation: Rotation) -> bool:
    """Tell whether no key signs, and none will unless somebody says so."""
    if _signs(rotation):
        return False
    successor = rotation.successor()
    return successor is None or successor.is_spare


def _spare_algorithm(rotation: Rotation) -> KeyAlgorithm | None:
    """Return of which algorithm a spare shall be ready; None where no key signs yet."""
    return conf.spare_algorithm() if _signs(rotation) else None


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        raise CommandError("Nobody is here to ask: say --no-input to revoke it.") from None
