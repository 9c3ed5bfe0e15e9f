"""Show the moments of a key pair in Django's form, as the rest of the page does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Field

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.status import date_and_time

_MOMENTS = (
    *("created_at", "trusted_at", "good_since", "active_at"),
    *("retiring_at", "retired_at", "revoked_at", "removed_at"),
)


def _shown(field: Field[Any, Any]) -> Callable[[KeyPair], str]:
    """Return what shows the moment in 24 hours; Django's own format says "2 p.m."."""

    @admin.display(description=field.verbose_name)
    def show(key_pair: KeyPair) -> str:
        return date_and_time(getattr(key_pair, field.name))

    show.__name__ = field.name  # of which Django makes a class in the page
    return show


#: What shows each moment that a key pair may have, by the name of its field.
HISTORY = {field.name: _shown(field) for field in KeyPair._meta.fields if field.name in _MOMENTS}
