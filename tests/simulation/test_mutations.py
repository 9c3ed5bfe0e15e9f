"""Take out each guard of a rotation, one at a time: the simulation notices.

For each guard, seeds.json has the seed of a schedule that shows its loss. If
that schedule no longer does, others are searched, SIMULATION_SEARCH many at
most. SIMULATION_ANEW=1 forgets the seeds, and SIMULATION_RECORD=1 writes those
that were searched into seeds.json.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation, read_seeds
from tests.simulation.oracle import Violation
from tests.simulation.schedules import make_schedule
from tests.simulation.site import play
from tests.simulation.world import Process

#: After so many schedules, a lost guard must have been noticed.
_SEARCH = int(os.environ.get("SIMULATION_SEARCH", "3000"))
_IS_ANEW = os.environ.get("SIMULATION_ANEW") == "1"


@pytest.mark.simulation
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_is_caught(
    name: str,
    processes: list[Process],
    record_property: Callable[[str, object], None],
) -> None:
    """A rotation without this guard breaks the rule that the guard is for; with it, none."""
    mutation = MUTATIONS[name]
    known = None if _IS_ANEW else read_seeds().get(name)
    seeds = range(_SEARCH) if known is None else (known, *range(_SEARCH))
    violation = None
    with mutation.applied():
        for seed in seeds:
            if (violation := _play(mutation, processes, seed)) is not None:
                break

    assert violation is not None, f"None of {_SEARCH} schedules shows that this guard is lost."
    assert violation.rule in mutation.rules
    assert _play(mutation, processes, seed) is None
    if seed != known:
        record_property("seed", (name, seed))


def _play(mutation: Mutation, processes: list[Process], seed: int) -> Violation | None:
    """Return what a schedule shows to be broken, if anything."""
    schedule = make_schedule(Random(seed), often=mutation.often, fixed=mutation.plan)
    try:
        play(schedule, processes)
    except Violation as violation:
        return violation
    return None


@pytest.mark.django_db(transaction=True)
def test_each_mutation_fits_the_code() -> None:
    """Each decision that is taken wrongly is there, and a seed is stored for each mutation."""
    for mutation in MUTATIONS.values():
        with mutation.applied():
            pass

    assert read_seeds().keys() == MUTATIONS.keys()
