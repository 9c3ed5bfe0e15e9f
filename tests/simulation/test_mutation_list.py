"""Test the list of mutations itself, which is quick: what they change is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.mutation import Mutation
from tests.simulation.mutations import MUTATIONS, UNNOTICED, Unnoticed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "mutation",
    [each for each in MUTATIONS if isinstance(each, Mutation)],
    ids=lambda each: each.name,
)
def test_mutation_fits_the_code(mutation: Mutation) -> None:
    """The guard that a mutation takes out stands in the code, once."""
    with mutation.applied():
        assert mutation.new != mutation.old


@pytest.mark.parametrize("unnoticed", UNNOTICED, ids=lambda each: each.change)
def test_what_the_simulation_does_not_notice_has_a_test(unnoticed: Unnoticed) -> None:
    """What no schedule shows is left to a test, and that test is there."""
    text = (ROOT / unnoticed.tested_in).read_text(encoding="utf-8")

    assert f"def {unnoticed.test}(" in text
