"""Hold or end a process where it calls AWS or its database: between any two of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection

from tests.simulation.processes import Killed

if TYPE_CHECKING:
    from tests.simulation.world import World


class Boundaries:
    """The places at which the process that runs may be held, may die, or may miss its database."""

    def __init__(self, world: World) -> None:
        self._world = world

    def at_call(self, method: str, side: str) -> None:
        """Hold or end a process around its calls to AWS; tell of those that change something."""
        running = self._world.running
        if side == "before" and running and not method.startswith(("get_", "list_")):
            self._world.oracle.see_change(running)
        self._at_boundary(f"{method} {side}")

    def at_query(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Hold or end a process around its queries; within a transaction, it can only die."""
        is_alone = not connection.in_atomic_block
        self._at_boundary("query", may_hold=is_alone)
        result = execute(sql, params, many, context)
        if is_alone and sql != "BEGIN":
            self._at_boundary("after query")
        return result

    def _at_boundary(self, where: str, *, may_hold: bool = True) -> None:
        world, plan = self._world, self._world.plan
        process = world.running
        if process is None or world.is_calm:
            return
        chance = world.random.random()
        if chance < plan.deaths:
            world.note(f"  dies at {where}", "death")
            raise Killed
        chance -= plan.deaths
        if "query" in where and chance < plan.database_failures:
            world.note(f"  the database fails at {where}", "database failure")
            raise OperationalError("The simulated database fails.")
        chance -= plan.database_failures
        if may_hold and chance < plan.holds:
            world.note(f"  held at {where}", "hold")
            process.hold()
