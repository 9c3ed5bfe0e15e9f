"""Take out each guard of a rotation, one at a time: the simulation notices.

For each guard, seeds.json has the seed of a schedule that shows its loss. If
that schedule no longer does, others are searched, SIMULATION_SEARCH many at
most. SIMULATION_ANEW=1 forgets the seeds, and SIMULATION_RECORD=1 writes those
that were searched into seeds.json.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.simulation.mutations import (
    MUTATIONS,
    UNNOTICED,
    Mutation,
    NotUnique,
    Unnoticed,
    read_seeds,
)
from tests.simulation.oracle import Violation
from tests.simulation.processes import Process
from tests.simulation.schedules import make_schedule
from tests.simulation.site import play

ROOT = Path(__file__).parents[2]
#: After so many schedules, a lost guard must have been noticed.
_SEARCH = int(os.environ.get("SIMULATION_SEARCH", "3000"))
_IS_ANEW = os.environ.get("SIMULATION_ANEW") == "1"


@pytest.mark.simulation
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_mutation_is_caught(
    mutation: Mutation | NotUnique,
    processes: list[Process],
    record_property: Callable[[str, object], None],
) -> None:
    """A rotation without this guard breaks the rule that the guard is for."""
    known = None if _IS_ANEW else read_seeds().get(mutation.name)
    seeds = range(_SEARCH) if known is None else (known, *range(_SEARCH))
    violation = None
    with mutation.applied():
        for seed in seeds:
            if (violation := _play(mutation, processes, seed)) is not None:
                break

    assert violation is not None, f"None of {_SEARCH} schedules shows that this guard is lost."
    assert violation.rule in mutation.rules
    if seed != known:
        record_property("seed", (mutation.name, seed))


def _play(mutation: Mutation | NotUnique, processes: list[Process], seed: int) -> Violation | None:
    """Return what a schedule shows to be broken, if anything."""
    schedule = make_schedule(Random(seed), often=mutation.often, fixed=mutation.plan)
    try:
        play(schedule, processes)
    except Violation as violation:
        return violation
    return None


def test_each_mutation_has_a_schedule_that_shows_it() -> None:
    """A seed is stored for each mutation, and for nothing else."""
    assert read_seeds().keys() == {each.name for each in MUTATIONS}


@pytest.mark.parametrize(
    "mutation",
    [each for each in MUTATIONS if isinstance(each, Mutation)],
    ids=lambda each: each.name,
)
def test_mutation_fits_the_code(mutation: Mutation) -> None:
    """The decision that a mutation takes wrongly is there, and is right again afterwards."""
    seam = mutation.seam
    right = inspect.getattr_static(seam.owner, seam.name)

    with mutation.applied():
        assert inspect.getattr_static(seam.owner, seam.name) is not right

    assert inspect.getattr_static(seam.owner, seam.name) is right


@pytest.mark.parametrize("unnoticed", UNNOTICED, ids=lambda each: each.change)
def test_what_the_simulation_does_not_notice_has_a_test(unnoticed: Unnoticed) -> None:
    """What no schedule shows is left to a test, and that test is there."""
    text = (ROOT / unnoticed.tested_in).read_text(encoding="utf-8")

    assert f"def {unnoticed.test}(" in text
