"""The demo's short waits, and what they must keep."""

from __future__ import annotations

import pytest

from cfsigned_django.edge.follow import INTERVAL
from demo_project.state import LINK_VARIABLE, Pace


def test_the_edge_knows_a_change_before_a_key_signs_by_it() -> None:
    """Wait longer for a key than the edge takes to see it and to go by it."""
    pace = Pace()
    assert pace.edge + INTERVAL < pace.propagation


def test_links_are_as_short_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lifetime of links from the environment, and leave the other waits."""
    monkeypatch.delenv(LINK_VARIABLE, raising=False)
    assert Pace.from_environment() == Pace()
    monkeypatch.setenv(LINK_VARIABLE, "15")
    assert Pace.from_environment() == Pace(link=15)


@pytest.mark.parametrize("text", ["14", "604801", "1.5", "-20", "ninety", "²²"])
def test_a_lifetime_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Name the variable and what is wanted."""
    monkeypatch.setenv(LINK_VARIABLE, text)
    with pytest.raises(SystemExit, match=rf"{LINK_VARIABLE} is .*15 to 604800"):
        Pace.from_environment()
