"""Take a guard out of the code, for as long as a test looks whether anything notices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from cfsigned_django.rotation.models import KeyPair
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind
from tests.simulation.seams import Seam, Wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A wrong decision, by which a guard is lost."""

    name: str
    #: Where the decision is taken, and what takes a wrong one there.
    seam: Seam
    wrong: Wrong
    #: What no longer holds then: any of these is what the simulation finds.
    rules: tuple[Rule, ...]
    #: Fields of the plan without which the guard is not needed, or seldom.
    plan: Mapping[str, Any] = field(default_factory=dict)
    #: What must happen often for it to be needed.
    often: tuple[Kind, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Take the wrong decision everywhere."""
        with self.seam.replaced(self.wrong):
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnique:
    """A column of KeyPair that the database no longer keeps unique."""

    name: str
    column: str
    rules: tuple[Rule, ...]
    plan: Mapping[str, Any] = field(default_factory=dict)
    often: tuple[Kind, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Change the table of the tests, and change it back when it is empty."""
        unique = KeyPair._meta.get_field(self.column)
        changed = copy(unique)
        changed._unique = False  # type: ignore[union-attr]
        with connection.schema_editor() as editor:
            editor.alter_field(KeyPair, unique, changed)  # type: ignore[arg-type]
        try:
            yield
        finally:
            KeyPair.objects.all().delete()
            with connection.schema_editor() as editor:
                editor.alter_field(KeyPair, changed, unique)  # type: ignore[arg-type]
