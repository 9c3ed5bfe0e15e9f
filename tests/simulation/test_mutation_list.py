"""Test the list of mutations itself, which is quick: what they change is there."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.simulation.mutation import Mutation
from tests.simulation.mutations import MUTATIONS, UNNOTICED, Unnoticed
from tests.simulation.seeds import read_seeds

ROOT = Path(__file__).parents[2]


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
