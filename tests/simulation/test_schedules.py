"""Let random schedules happen to a simulated site: the invariants of a rotation hold in each.

SIMULATION_SCHEDULES says how many, and SIMULATION_SEED which: the same seed
gives the same schedules, with the same version of hypothesis.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from tests.simulation.processes import Process
from tests.simulation.schedules import Kind, make_schedule
from tests.simulation.site import play

_SCHEDULES = int(os.environ.get("SIMULATION_SCHEDULES", "150"))
_SEED = int(os.environ.get("SIMULATION_SEED", "1"))
#: How many one test runs: its result is what shows that the run goes on.
_SHARE = 250


@pytest.mark.parametrize("first", range(0, _SCHEDULES, _SHARE))
def test_invariants(
    first: int, processes: list[Process], record_property: Callable[[str, object], None]
) -> None:
    """Keep every invariant in every schedule, whatever fails, dies or comes in between."""
    seen: Counter[str] = Counter()

    @seed(_SEED + first)
    @settings(
        max_examples=min(_SHARE, _SCHEDULES - first),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(random=st.randoms(use_true_random=False))
    def run(random: Random) -> None:
        schedule = make_schedule(random)
        world = play(schedule, processes)
        seen.update({kind: 1 for kind, count in world.seen.items() if count})
        seen["schedules"] += 1
        seen["events"] += sum(event.kind is not Kind.NOTHING for event in schedule.events)

    print(f"SIMULATION_SEED={_SEED}, schedules {first} and following")
    run()
    record_property("simulation", dict(seen))
    assert seen["schedules"] >= min(_SHARE, _SCHEDULES - first)
