"""Run every case, one after the other, and hold what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks import contenders, cookies, javascript, keys, pages, parallel, start
from benchmarks.memory import Memory, measure_memory
from benchmarks.rounds import Times, Turn, measure
from benchmarks.sizes import Size, measure_sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Say how much is measured: all else follows from the number of names in a round."""

    rounds: int
    names: int

    @property
    def images(self) -> int:
        """Return how many images a page has."""
        return self.names * 10

    @property
    def urls(self) -> int:
        """Return how many URLs are remembered."""
        return self.names * 100

    @property
    def few_rounds(self) -> int:
        """Return how many rounds there are of what takes long."""
        return max(2, self.rounds // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Hold what was measured in the same rounds, in turns."""

    title: str
    #: What the times are for.
    thing: str
    #: What the others are compared with.
    base: str
    times: Mapping[str, Times]
    #: Whether the fastest rounds are compared, where other programs count that run meanwhile.
    by_fastest: bool = False
    #: What could not be measured, and why.
    not_run: Mapping[str, str] = field(default_factory=dict)

    def ratio(self, slow: str, fast: str) -> float:
        """Return how many times as fast the second is: the middle of all rounds, or the fastest."""
        one, other = self.times[slow], self.times[fast]
        return one.fastest / other.fastest if self.by_fastest else one.ratio_to(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Hold what a run found out."""

    scale: Scale
    groups: Mapping[str, Group]
    sizes: Mapping[str, Size]
    memory: Memory


def run(scale: Scale) -> Results:
    """Measure everything; takes minutes at full scale."""
    made = keys.Keys()
    return Results(
        scale=scale,
        groups=dict(_groups(made, scale)),
        sizes=measure_sizes(made, links=scale.images),
        memory=measure_memory(made, urls=scale.urls),
    )


def _groups(made: keys.Keys, scale: Scale) -> Iterator[tuple[str, Group]]:
    yield "url", _one_url(made, scale)
    for key, what, answers in (
        ("page", "A template with {} images", pages.pages(made)),
        ("json", "An answer in JSON with {} URLs", pages.lists(made)),
    ):
        title = what.format(f"{scale.images:,}")
        turns = list(pages.answer_turns(answers, images=scale.images))
        times = measure(turns, rounds=scale.few_rounds)
        yield key, Group(title=title, thing="answer", base=keys.THEIRS, times=times)
    yield (
        "start",
        Group(
            title="A new process",
            thing="start",
            base=start.FIRST_THEIRS,
            # As many as of one URL: two starts in turn differ by more than the two contenders.
            times=measure(list(start.start_turns(made)), rounds=scale.rounds),
        ),
    )
    # Many short rounds: the shorter, the more of them are left alone by other programs.
    with (
        parallel.thread_turns(made, names=max(2, scale.names // 2)) as threads,
        parallel.process_turns(made, names=max(2, scale.names // 2)) as processes,
    ):
        times = measure([*threads, *processes], rounds=scale.rounds * 6)
    base = parallel.in_threads(keys.OURS, 1)
    title = "Threads and processes, by the clock on the wall"
    group = Group(title=title, thing="URL", base=base, times=times, by_fastest=True)
    yield "parallel", group
    yield "cookies", _cookies(made, scale)


def _one_url(made: keys.Keys, scale: Scale) -> Group:
    turns: list[Turn] = [*contenders.signing_turns(made, names=scale.names)]
    reason = javascript.why_not()
    with ExitStack() as stack:
        if reason is None:
            turn = javascript.javascript_turn(made.rsa, names=scale.names)
            turns.insert(3, stack.enter_context(turn))  # beside the others
        times = measure(turns, rounds=scale.rounds)
    not_run = {} if reason is None else {javascript.JAVASCRIPT: reason}
    title = "One URL, of a name that was not seen before"
    return Group(title=title, thing="URL", base=keys.THEIRS, times=times, not_run=not_run)


def _cookies(made: keys.Keys, scale: Scale) -> Group:
    times = measure(list(cookies.cookie_turns(made, count=scale.names)), rounds=scale.few_rounds)
    is_there = cookies.is_installed()
    return Group(
        title="The cookies for a folder",
        thing="set",
        base=cookies.THEIR_COOKIES if is_there else cookies.OUR_COOKIES,
        times=times,
        not_run={} if is_there else {cookies.THEIR_COOKIES: "it is not installed"},
    )
