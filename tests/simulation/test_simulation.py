"""Run random schedules on a simulated site: the invariants of a rotation hold in each.

Then take out each guard of a rotation, one at a time: the simulation notices.

SIMULATION_SCHEDULES says how many schedules, and SIMULATION_SEED which: the same
seed gives the same schedules, with the same version of hypothesis. For each
guard, seeds.json has the seed of a schedule that shows its loss, and the rule
that it breaks. If that schedule no longer does, others are searched,
SIMULATION_SEARCH many at most. SIMULATION_ANEW=1 forgets the seeds, and
SIMULATION_RECORD=1 writes those that were searched into seeds.json.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from tests.simulation.mutations import MUTATIONS, Mutation, read_seeds
from tests.simulation.oracle import Violation
from tests.simulation.schedules import Schedule, make_schedule
from tests.simulation.site import play

_SCHEDULES = int(os.environ.get("SIMULATION_SCHEDULES", "150"))
_SEED = int(os.environ.get("SIMULATION_SEED", "1"))
#: How many one test runs: its result is what shows that the run goes on.
_SHARE = 250
#: After so many schedules, a lost guard must have been noticed.
_SEARCH = int(os.environ.get("SIMULATION_SEARCH", "3000"))
_IS_ANEW = os.environ.get("SIMULATION_ANEW") == "1"
_RECORDS = os.environ.get("SIMULATION_RECORD") == "1"


def _schedule(mutation: Mutation, number: int) -> Schedule:
    """Return the schedule of a seed in which the guard of a mutation is needed often."""
    return make_schedule(Random(number), often=mutation.often, fixed=mutation.plan)


def _longest_first() -> list[str]:
    """Return the mutations in the order of their stored schedules."""
    seeds = read_seeds()
    return sorted(seeds, key=lambda name: -len(_schedule(MUTATIONS[name], seeds[name][1]).events))


#: The guards that make test takes out, and no other run: for each rule, the one with the shortest
#: schedule. A search for schedules has all guards.
_ONE_OF_EACH_RULE = (
    []
    if _IS_ANEW or _RECORDS
    else {read_seeds()[name][0]: name for name in _longest_first()}.values()
)


@pytest.mark.simulation
@pytest.mark.usefixtures("shared_database")
@pytest.mark.parametrize("first", range(0, _SCHEDULES, _SHARE))
def test_invariants(first: int) -> None:
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
        play(played[-1])

    print(f"SIMULATION_SEED={_SEED}, schedules {first} and following")
    run()
    assert len(played) >= min(_SHARE, _SCHEDULES - first)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.parametrize(
    "name",
    [
        each if each in _ONE_OF_EACH_RULE else pytest.param(each, marks=pytest.mark.simulation)
        for each in MUTATIONS
    ],
)
def test_mutation_is_caught(name: str, record_property: Callable[[str, object], None]) -> None:
    """A rotation without this guard breaks a rule in a schedule in which, with it, none breaks."""
    mutation, stored = MUTATIONS[name], read_seeds().get(name, ("", 0))
    violation = None
    with mutation.applied():
        for number in range(_SEARCH) if _IS_ANEW else (stored[1], *range(_SEARCH)):
            if (violation := _play(mutation, number)) is not None:
                break

    assert violation is not None, f"None of {_SEARCH} schedules shows that this guard is lost."
    assert _play(mutation, number) is None
    if (found := (violation.rule.name, number)) != stored:
        record_property("seed", (name, *found))


def _play(mutation: Mutation, number: int) -> Violation | None:
    """Return what a schedule shows to be broken, if anything."""
    try:
        play(_schedule(mutation, number))
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
