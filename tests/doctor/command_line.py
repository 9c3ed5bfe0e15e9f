"""Run cfsigned_doctor."""

from __future__ import annotations

import io
from typing import Any

from django.core.management import call_command

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.storage_cases import KEY_GROUP_ID, KEY_ID

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"


def run(*arguments: str, **options: Any) -> tuple[str, int]:
    """Run the command; return what it printed, and its exit code."""
    stdout = io.StringIO()
    try:
        call_command("cfsigned_doctor", *arguments, stdout=stdout, no_color=True, **options)
    except SystemExit as end:
        return stdout.getvalue(), int(end.code or 0)
    return stdout.getvalue(), 0


def store(key: PrivateKey, **fields: Any) -> KeyPair:
    """Save a key pair of the site's key group."""
    row = KeyPair.from_private_key(
        key,
        key_group_id=KEY_GROUP_ID,
        created_at="2026-11-01T00:00:00Z",
        **{"status": KeyStatus.ACTIVE, "active_in": KEY_GROUP_ID, "key_pair_id": KEY_ID, **fields},
    )
    row.save()
    return row
