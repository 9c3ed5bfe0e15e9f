"""Take out each guard of a rotation, one at a time: the simulation notices."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.simulation.mutation import Mutation, NotUnique
from tests.simulation.mutations import MUTATIONS
from tests.simulation.oracle import Violation
from tests.simulation.processes import Process
from tests.simulation.schedules import Schedule, schedules
from tests.simulation.site import play

pytestmark = pytest.mark.simulation

#: After so many schedules, a lost guard must have been noticed.
_SCHEDULES = 3000


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_mutation_is_caught(mutation: Mutation | NotUnique, processes: list[Process]) -> None:
    """Find a schedule in which a rotation without this guard breaks the rule that it is for."""
    played = 0

    @seed(1)
    @settings(
        max_examples=_SCHEDULES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(schedule=schedules(often=mutation.often, **mutation.plan))
    def run(schedule: Schedule) -> None:
        nonlocal played
        played += 1
        play(schedule, processes)

    with mutation.applied(), pytest.raises(Violation) as caught:
        run()
    print(f"{played} schedules: {caught.value.text.splitlines()[0]}")
    assert caught.value.rule in mutation.rules
