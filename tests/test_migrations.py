"""Test that the migrations say what the models say."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_migrations_are_up_to_date() -> None:
    """No change of a model waits for its migration."""
    call_command("makemigrations", "cfsigned_django", check=True, dry_run=True, verbosity=0)

    assert call_command("migrate", check_unapplied=True, verbosity=0) is None
