"""Take a guard out of the code, for as long as a test looks whether anything notices."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

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
        function = self.function
        original = function.__code__
        function.__code__ = self._changed_code()
        try:
            yield
        finally:
            function.__code__ = original

    @property
    def function(self) -> FunctionType:
        """Return the function that is changed."""
        target = self.target.fget if isinstance(self.target, property) else self.target
        function = inspect.unwrap(target)  # type: ignore[arg-type]
        assert isinstance(function, FunctionType)
        return function

    def _changed_code(self) -> Any:
        source = textwrap.dedent(inspect.getsource(self.function))
        assert source.count(self.old) == 1, f"{self.name}: {self.old!r} is not in the code once."
        body = source[source.index("def ") :]  # without decorators
        changed = body.replace(self.old, self.new)
        filename = f"<{self.name}>"
        module = compile(changed, filename, "exec", __future__.annotations.compiler_flag)
        namespace: dict[str, Any] = {}
        exec(module, self.function.__globals__, namespace)  # noqa: S102
        (made,) = namespace.values()
        return made.__code__
