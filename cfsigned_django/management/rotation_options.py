"""Declare the options of cfsigned_rotate."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta

from django.core.management.base import CommandParser

from cfsigned_django.rotation.models import REASON_LENGTH
from cfsigned_django.signing import KeyAlgorithm

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """Read a duration such as 90d, 12h, 30m or 45s."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no duration such as 90d, 12h, 30m or 45s")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def reason(text: str) -> str:
    """Read a reason that a row can hold."""
    if len(text) > REASON_LENGTH:
        raise ArgumentTypeError(
            f"it has {len(text)} characters, and {REASON_LENGTH} are recorded at most: say it in "
            "fewer"
        )
    return text


def add_rotation_options(parser: CommandParser) -> None:
    """Declare them."""
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
        help="stop trusting a key now: every link that it signed breaks. A key without an id "
        "is named as the list shows it, or by its uuid",
    )
    what.add_argument(
        "--reseal",
        action="store_true",
        help="seal the private keys anew, after SECRET_KEY or the encryption keys changed",
    )
    parser.add_argument(
        "--algorithm",
        choices=[each.value for each in KeyAlgorithm],
        help="of the new key. Default: ECDSA_P256; with --revoke, that of the revoked key",
    )
    parser.add_argument(
        "--reason",
        type=reason,
        default="",
        help=f"why, for the record, in {REASON_LENGTH} characters at most",
    )
    parser.add_argument("--wait", action="store_true", help="go on until the rotation is over")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done now, do nothing"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--no-input", action="store_true", help="do not ask before --revoke")
