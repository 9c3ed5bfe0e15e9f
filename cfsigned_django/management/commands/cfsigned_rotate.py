"""Rotate the signing keys: an adapter that calls rotation_steps.py.

Exit codes: 0 done or nothing to do, 75 (EX_TEMPFAIL) not yet, 1 failed.
"""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure

from cfsigned_django import conf
from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal, reseal
from cfsigned_django.models import KeyPair
from cfsigned_django.rotation import Blocked, Claimed, Rotation, RotationError
from cfsigned_django.rotation_steps import (
    Unanswered,
    advance,
    find_waits,
    in_words,
    is_under_way,
)
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.site_rotation import import_settings_key, site_rotation

NOT_YET = 75
#: What is waited for, in words, and until when if that is known.
Blockers: TypeAlias = list[tuple[str, datetime | None]]
_NOT_YET = (Blocked, Claimed, Unanswered)
#: How long --wait sleeps between two looks, in seconds.
_LOOK_AGAIN = 2.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """Read a duration such as 90d, 12h, 30m or 45s."""
    match = re.fullmatch(r"([0-9]+)([smhd])", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no duration such as 90d, 12h, 30m or 45s")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


class Command(BaseCommand):
    """Do the next legal step of a key rotation, and say what blocks the one after."""

    help = (
        "Do the next legal step of the rotation of AWS_CLOUDFRONT_KEY_GROUP_ID, and say what "
        "blocks the one after. Exit code 0: done or nothing to do; 75: not yet; 1: failed."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shown: set[str] = set()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--start", action="store_true", help="begin a rotation")
        what.add_argument(
            "--import",
            action="store_true",
            dest="import_key",
            help="take the key of the settings into the database, as the ACTIVE key pair",
        )
        what.add_argument(
            "--max-age",
            type=duration,
            metavar="AGE",
            help="begin a rotation if the signing key is older, for example 90d",
        )
        what.add_argument(
            "--revoke",
            metavar="KEY_PAIR_ID",
            help="stop trusting a key now: every link that it signed breaks",
        )
        what.add_argument(
            "--reseal",
            action="store_true",
            help="seal the private keys anew, after SECRET_KEY or the encryption keys changed",
        )
        parser.add_argument(
            "--algorithm",
            choices=[each.value for each in KeyAlgorithm],
            default=KeyAlgorithm.ECDSA_P256.value,
            help="of the new key. Default: ECDSA_P256",
        )
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument("--wait", action="store_true", help="go on until the rotation is over")
        parser.add_argument("--dry-run", action="store_true", help="say what stands, do nothing")
        parser.add_argument("--json", action="store_true", help="print JSON for machines")
        parser.add_argument("--no-input", action="store_true", help="do not ask before --revoke")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; see the module's docstring for the exit code."""
        try:
            if options["reseal"]:
                self.stdout.write(_reseal_all())
                return
            self._rotate(site_rotation(changed_by="cfsigned_rotate"), options)
        except _NOT_YET as error:
            self.stderr.write(str(error))
            sys.exit(NOT_YET)
        except (AwsError, CannotUnseal, ImproperlyConfigured, InvalidKey, RotationError) as error:
            raise CommandError(str(error)) from error
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed ({type(error).__name__}). What was done is recorded; run "
                "this again when it answers."
            ) from error

    def _rotate(self, rotation: Rotation, options: dict[str, Any]) -> None:
        """Do what the options ask for, then the next legal step, then report."""
        did, held_up = None, ""
        if not options["dry_run"]:
            did = self._begin(rotation, options)
            if did is None:
                did, held_up = self._advance(rotation, patient=options["wait"])
            while options["wait"] and is_under_way(rotation):
                self._show_progress(rotation, did, held_up, options)
                step, held_up = self._advance(rotation, patient=True)
                did = step or did
                if step is None:
                    time.sleep(_LOOK_AGAIN)
        now = rotation.clock()
        blockers: Blockers = [(held_up, None)] if held_up else []
        blockers += [(each.what, each.until) for each in find_waits(rotation, now=now)]
        self.stdout.write(
            json.dumps(_as_json(rotation, did, blockers), indent=2)
            if options["json"]
            else _as_text(rotation, did, blockers, now)
        )
        if did is None and blockers:
            sys.exit(NOT_YET)

    def _begin(self, rotation: Rotation, options: dict[str, Any]) -> str | None:
        """Do what one of the exclusive options asks for; None where it asks for nothing."""
        now, algorithm = rotation.clock(), KeyAlgorithm(options["algorithm"])
        if options["import_key"]:
            key_pair = import_settings_key(rotation, now=now)
            return f"{key_pair} is in the database: it signs from there."
        if options["revoke"]:
            return self._revoke(rotation, options, now)
        if options["start"] or _is_older(rotation, options["max_age"], now):
            key_pair = rotation.start(algorithm=algorithm, now=now, reason=options["reason"])
            return f"Started: {key_pair} is {key_pair.get_status_display()}."
        return None

    def _advance(self, rotation: Rotation, *, patient: bool) -> tuple[str | None, str]:
        """Do the next legal step; return what was done, and what kept it from being done.

        ``patient`` also takes an error of AWS that will pass for one of these.
        """
        spare = conf.spare_algorithm()
        try:
            return advance(rotation, now=rotation.clock(), spare_algorithm=spare), ""
        except _NOT_YET as error:
            return None, str(error)
        except AwsError as error:
            if patient and error.is_temporary:
                return None, str(error)
            raise

    def _revoke(self, rotation: Rotation, options: dict[str, Any], now: datetime) -> str:
        key_pair = rotation.rows.filter(
            key_pair_id=options["revoke"], key_group_id=rotation.key_group_id
        ).first()
        if key_pair is None:
            raise CommandError(
                f"The database has no key pair {options['revoke']} in the key group "
                f"{rotation.key_group_id}. A key of the settings can be revoked after --import."
            )
        lifetime = in_words(timedelta(seconds=rotation.waits.url_lifetime))
        self.stderr.write(
            f"Revoking {key_pair} breaks every link that it signed: up to {lifetime} of them."
        )
        if not options["no_input"] and _ask(f"Type {key_pair} to revoke it: ") != str(key_pair):
            raise CommandError("Nothing was revoked.")
        rotation.revoke(key_pair, now=now, reason=options["reason"] or "revoked by command")
        return f"{key_pair} is revoked."

    def _show_progress(
        self, rotation: Rotation, did: str | None, held_up: str, options: dict[str, Any]
    ) -> None:
        """Tell a person who waits what there is to tell, each thing once."""
        if options["json"]:
            return
        waits = [each.what for each in find_waits(rotation, now=rotation.clock())]
        for line in filter(None, [did, held_up, *waits]):
            if line not in self._shown:
                self._shown.add(line)
                self.stderr.write(line)


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        raise CommandError("Nobody is here to ask: say --no-input to revoke it.") from None


def _is_older(rotation: Rotation, max_age: timedelta | None, now: datetime) -> bool:
    """Tell whether the signing key is older than allowed, and no successor is under way."""
    if max_age is None or rotation.successor() is not None:
        return False
    active = rotation.active()
    return active is None or now - (active.active_at or active.created_at) > max_age


def _reseal_all() -> str:
    """Seal every private key anew; raise :exc:`CannotUnseal` after the last if one did not open."""
    rows = list(KeyPair.objects.exclude(sealed_private_key=""))
    closed: list[str] = []
    problem = ""
    for row in rows:
        former = row.sealed_private_key
        try:
            sealed = reseal(former)
        except CannotUnseal as error:
            closed.append(str(row))
            problem = str(error)
        else:
            # Only if nobody erased or resealed it meanwhile.
            KeyPair.objects.filter(pk=row.pk, sealed_private_key=former).update(
                sealed_private_key=sealed
            )
    done = f"{len(rows) - len(closed)} private keys are sealed with the newest encryption key."
    if closed:
        raise CannotUnseal(f"{done} Not {', '.join(closed)}: {problem}")
    return done


def _as_json(rotation: Rotation, did: str | None, blockers: Blockers) -> dict[str, Any]:
    return {
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
            for each in rotation.key_pairs()
        ],
    }


def _as_text(
    rotation: Rotation,
    did: str | None,
    blockers: Blockers,
    now: datetime,
) -> str:
    lines = [did or "Nothing was done."]
    lines += [f"  {what}" for what, _ in blockers]
    lines.append(f"Key group {rotation.key_group_id}:")
    for each in rotation.key_pairs():
        age = in_words(now - each.since)
        lines.append(
            f"  {each!s:<16} {each.get_status_display():<9} for {age:<9} "
            f"{each.get_algorithm_display()}"
        )
    return "\n".join(lines)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
