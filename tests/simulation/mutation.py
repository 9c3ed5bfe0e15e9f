"""Take a guard out of the code, for as long as a test looks whether anything notices."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from cfsigned_django.rotation.models import KeyPair
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A change of one function, by which a guard is lost."""

    name: str
    #: A function, a property, or what contextmanager makes of a function.
    target: object
    #: A part of the function's source that stands in it once, and what takes its place.
    old: str
    new: str
    #: What no longer holds then: any of these is what the simulation finds.
    rules: tuple[Rule, ...]
    #: Fields of the plan without which the guard is not needed, or seldom.
    plan: Mapping[str, Any] = field(default_factory=dict)
    #: What must happen often for it to be needed.
    often: tuple[Kind, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let everybody run the changed function, under whatever name they imported it."""
        function = self._find_function()
        original = function.__code__
        function.__code__ = self._changed_code()
        try:
            yield
        finally:
            function.__code__ = original

    def _find_function(self) -> Any:
        target = self.target.fget if isinstance(self.target, property) else self.target
        assert callable(target)
        return inspect.unwrap(target)

    def _changed_code(self) -> Any:
        function = self._find_function()
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(self.old) == 1, f"{self.name}: {self.old!r} is not in the code once."
        body = source[source.index("def ") :]  # without decorators
        changed = body.replace(self.old, self.new)
        filename = f"<{self.name}>"
        module = compile(changed, filename, "exec", __future__.annotations.compiler_flag)
        namespace: dict[str, Any] = {}
        exec(module, function.__globals__, namespace)  # noqa: S102
        (made,) = namespace.values()
        return made.__code__


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
