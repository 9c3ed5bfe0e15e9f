"""Measure in turns, compare with targets, and say so in the exit status."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import __main__ as program
from benchmarks.contenders import make_contenders, plain_names
from benchmarks.report import Target, targets_table, times_table
from benchmarks.rounds import Times, measure


class Clock:
    """Count nanoseconds that the contenders say they take."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def spend(self, microseconds: int) -> None:
        """Let time pass."""
        self.now += microseconds * 1000


def times(*rounds: float) -> Times:
    """Return times of such rounds."""
    return Times(rounds=rounds)


def test_turns() -> None:
    """Let every contender begin a round, and count none of the first."""
    clock, order = Clock(), []

    def contender(title: str, microseconds: int) -> Any:
        def work(name: str) -> None:
            order.append(title + name)
            clock.spend(microseconds)

        return work

    found = measure(
        {"a": contender("a", 3), "b": contender("b", 5)}, ["1", "2"], rounds=2, clock=clock
    )
    assert found == {"a": times(3, 3), "b": times(5, 5)}
    assert order == ["a1", "a2", "b1", "b2", "b1", "b2", "a1", "a2", "a1", "a2", "b1", "b2"]


def test_median_of_ratios() -> None:
    """Compare round by round, so that a slow moment of the machine counts for nobody."""
    slow_moment = times(10, 1000, 10)
    assert times(20, 2000, 20).ratio_to(slow_moment) == 2
    assert slow_moment.median == 10


@pytest.mark.parametrize(
    ("target", "mine", "words", "is_reached"),
    [
        ({"at_least": 11.0}, 9.0, ("at least 11.00x", "11.11x"), True),
        ({"at_least": 11.0}, 10.0, ("at least 11.00x", "10.00x"), False),
        ({"at_most": 0.05}, 104.0, ("at most +5.0%", "+4.0%"), True),
        ({"at_most": 0.05}, 106.0, ("at most +5.0%", "+6.0%"), False),
    ],
)
def test_targets(
    target: dict[str, float], mine: float, words: tuple[str, str], is_reached: bool
) -> None:
    """Say what was wanted, what was measured, and whether that is enough."""
    found = {"mine": times(mine, mine, mine), "other": times(100, 100, 100)}
    asked = [Target(contender="mine", than="other", **target)]
    table, all_reached = targets_table(found, asked)
    assert all_reached is is_reached
    row = table.splitlines()[-1]
    assert all(word in row for word in words)
    assert row.endswith("yes" if is_reached else "NO")


def test_one_target_of_two() -> None:
    """Reach nothing where one target of several is missed."""
    found = {"a": times(1, 1), "b": times(2, 2)}
    good = Target(contender="a", than="b", at_least=1)
    bad = Target(contender="b", than="a", at_least=1)
    assert targets_table(found, [bad, good])[1] is False


def test_spread() -> None:
    """Show the median, the middle half, and how many that are in a second."""
    text = times_table({"one": times(1, 2, 3, 4, 100)})
    assert "3.0 us" in text
    assert "1.5 - 52.0 us" in text
    assert "333,333" in text


@pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning")
def test_contenders_sign_the_same() -> None:
    """Give django-storages and this package the same key, domain and name."""
    names = plain_names(3)
    assert len(set(names)) == 3
    urls = {title: contender(names[0]) for title, contender in make_contenders(names).items()}
    assert len(urls) == 5
    starts = {str(url).partition("?")[0] for url in urls.values() if isinstance(url, str)}
    assert starts == {f"https://d111111abcdef8.cloudfront.net/{names[0]}"}


@pytest.mark.parametrize(("microseconds", "status"), [(1, 0), (10, 1)])
def test_exit_status(
    microseconds: int,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit with 0 where all targets are reached, and with 1 otherwise; print both tables."""

    def instead(contenders: Any, names: Any, *, rounds: int) -> dict[str, Times]:
        ecdsa = {"cfsigned_django, ECDSA and SHA256": times(microseconds, microseconds)}
        return dict.fromkeys(contenders, times(100, 100)) | ecdsa

    monkeypatch.setattr(program, "measure", instead)
    assert program.main(["--rounds", "2", "--names", "2"]) == status
    printed = capsys.readouterr().out
    assert "2 rounds of 2 names" in printed
    assert ("NO" in printed) == bool(status)
