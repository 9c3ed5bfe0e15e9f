"""Let random schedules happen to a simulated site: the invariants of a rotation hold in each.

SIMULATION_SCHEDULES says how many, and SIMULATION_SEED which: the same seed
gives the same schedules, with the same version of hypothesis.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from tests.simulation.schedules import Schedule, make_schedule
from tests.simulation.site import play
from tests.simulation.world import Process

_SCHEDULES = int(os.environ.get("SIMULATION_SCHEDULES", "150"))
_SEED = int(os.environ.get("SIMULATION_SEED", "1"))
#: How many one test runs: its result is what shows that the run goes on.
_SHARE = 250


@pytest.mark.parametrize("first", range(0, _SCHEDULES, _SHARE))
def test_invariants(first: int, processes: list[Process]) -> None:
    """Keep every invariant in every schedule, whatever fails, dies or comes in between."""
    played: list[Schedule] = []

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
        played.append(make_schedule(random))
        play(played[-1], processes)

    print(f"SIMULATION_SEED={_SEED}, schedules {first} and following")
    run()
    assert len(played) >= min(_SHARE, _SCHEDULES - first)
