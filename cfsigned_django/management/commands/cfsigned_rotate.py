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
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cfsigned_django import conf
from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal, reseal
from cfsigned_django.models import KeyPair
from cfsigned_django.rotation import Blocked, Claimed, Rotation, RotationError
from cfsigned_django.rotation_steps import Wait, advance, find_waits, in_words
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.site_rotation import import_settings_key, site_rotation

NOT_YET = 75
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
            help="of the new key (default: %(default)s)",
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
        except (AwsError, CannotUnseal, ImproperlyConfigured, InvalidKey) as error:
            raise CommandError(str(error)) from error
        except (Blocked, Claimed) as error:
            self.stderr.write(str(error))
            sys.exit(NOT_YET)
        except RotationError as error:
            raise CommandError(str(error)) from error

    def _rotate(self, rotation: Rotation, options: dict[str, Any]) -> None:
        """Do what the options ask for, then the next legal step, then report."""
        did: str | None = None
        if not options["dry_run"]:
            did = self._begin(rotation, options) or self._advance(rotation)
            while options["wait"] and (waits := find_waits(rotation, now=timezone.now())):
                self._show_progress(did, waits, options)
                time.sleep(_LOOK_AGAIN)
                did = self._advance(rotation)
        waits = find_waits(rotation, now=timezone.now())
        self.stdout.write(
            json.dumps(_as_json(rotation, did, waits), indent=2)
            if options["json"]
            else _as_text(rotation, did, waits, timezone.now())
        )
        if did is None and waits:
            sys.exit(NOT_YET)

    def _begin(self, rotation: Rotation, options: dict[str, Any]) -> str | None:
        """Do what one of the exclusive options asks for; None where it asks for nothing."""
        now, algorithm = timezone.now(), KeyAlgorithm(options["algorithm"])
        if options["import_key"]:
            key_pair = import_settings_key(rotation, now=now)
            return f"{key_pair} is in the database: it signs from there."
        if options["revoke"]:
            return self._revoke(rotation, options, now)
        if options["start"] or _is_older(rotation, options["max_age"], now):
            key_pair = rotation.start(algorithm=algorithm, now=now, reason=options["reason"])
            return f"Started: {key_pair} is {key_pair.get_status_display()}."
        return None

    def _advance(self, rotation: Rotation) -> str | None:
        """Do the next legal step, unless another process is at it."""
        spare = conf.spare_algorithm()
        try:
            return advance(rotation, now=timezone.now(), spare_algorithm=spare)
        except Claimed:
            return None

    def _revoke(self, rotation: Rotation, options: dict[str, Any], now: datetime) -> str:
        key_pair = KeyPair.objects.filter(
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
        if not options["no_input"] and input(f"Type {key_pair} to revoke it: ") != str(key_pair):
            raise CommandError("Nothing was revoked.")
        rotation.revoke(key_pair, now=now, reason=options["reason"] or "revoked by command")
        return f"{key_pair} is revoked."

    def _show_progress(self, did: str | None, waits: list[Wait], options: dict[str, Any]) -> None:
        if not options["json"]:
            self.stderr.write(did or waits[0].what)


def _is_older(rotation: Rotation, max_age: timedelta | None, now: datetime) -> bool:
    """Tell whether the signing key is older than allowed, and no successor is under way."""
    if max_age is None or rotation.successor() is not None:
        return False
    active = KeyPair.objects.filter(active_in=rotation.key_group_id).first()
    return active is None or now - (active.active_at or active.created_at) > max_age


def _reseal_all() -> str:
    rows = KeyPair.objects.exclude(sealed_private_key="")
    for row in rows:
        former = row.sealed_private_key
        # Only if nobody erased or resealed it meanwhile.
        KeyPair.objects.filter(pk=row.pk, sealed_private_key=former).update(
            sealed_private_key=reseal(former)
        )
    return f"{len(rows)} private keys are sealed with the newest encryption key."


def _as_json(rotation: Rotation, did: str | None, waits: list[Wait]) -> dict[str, Any]:
    return {
        "key_group_id": rotation.key_group_id,
        "did": did,
        "blockers": [{"what": each.what, "until": _utc(each.until)} for each in waits],
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


def _as_text(rotation: Rotation, did: str | None, waits: list[Wait], now: datetime) -> str:
    lines = [did or "Nothing was done."]
    lines += [f"  {each.what}" for each in waits]
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
