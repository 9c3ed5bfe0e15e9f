"""Compare what was measured with what was promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from benchmarks import contenders, keys, parallel, start
from benchmarks.memory import Memory
from benchmarks.results import Group, Results

#: What a remembered URL, or signed resource, may take over the length of a URL, in bytes.
MEMORY_LIMIT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Say of one target what was wanted, what was measured, and whether that is enough."""

    case: str
    compared_with: str
    wanted: str
    measured: str
    is_reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """State how fast one contender shall be, measured by another of the same group.

    ``at_least`` is for how many times as fast it is, ``at_most`` for how much
    longer it takes, as a share. ``beside`` are two others whose ratio says
    what this machine can do.
    """

    case: str
    contender: str
    than: str
    group: str = "url"
    at_least: float | None = None
    at_most: float | None = None
    beside: tuple[str, str] | None = None

    def compare(self, group: Group) -> Finding:
        """Compare with the times of the group."""
        times = group.times
        if self.at_most is not None:
            share = times[self.contender].ratio_to(times[self.than]) - 1
            wanted, measured = f"at most +{self.at_most:.1%}", f"{share:+.1%}"
            is_reached = share <= self.at_most
        else:
            assert self.at_least is not None
            faster = group.ratio(self.than, self.contender)
            wanted, measured = f"at least {as_ratio(self.at_least)}", as_ratio(faster)
            is_reached = faster >= self.at_least
            if self.beside is not None:
                measured += f" (the signature alone: {as_ratio(group.ratio(*self.beside))})"
        return Finding(
            case=self.case,
            compared_with=self.than,
            wanted=wanted,
            measured=measured,
            is_reached=is_reached,
        )


TARGETS = (
    Target(case="RSA, unique URLs", contender=keys.OURS, than=keys.THEIRS, at_least=1),
    Target(case="RSA, unique URLs", contender=keys.OURS, than=contenders.BARE_RSA, at_most=0.03),
    Target(case="ECDSA, unique URLs", contender=keys.OURS_ECDSA, than=keys.THEIRS, at_least=12),
    Target(case="stable URL, known", contender=keys.HIT, than=keys.THEIRS, at_least=800),
    Target(
        case="one signature for all, new names",
        contender=keys.REUSE,
        than=keys.THEIRS,
        at_least=100,
    ),
    Target(
        case="template, one signature for all",
        group="page",
        contender=keys.REUSE,
        than=keys.THEIRS,
        at_least=40,
    ),
    Target(
        case="2 threads, RSA",
        group="parallel",
        contender=parallel.in_threads(keys.OURS, 2),
        than=parallel.in_threads(keys.OURS, 1),
        at_least=1.8,
        beside=(
            parallel.in_threads(contenders.BARE_RSA, 1),
            parallel.in_threads(contenders.BARE_RSA, 2),
        ),
    ),
    Target(
        case="first URL after the imports, RSA",
        group="start",
        contender=start.FIRST_OURS,
        than=start.FIRST_THEIRS,
        at_least=1,
    ),
)


def find(results: Results) -> list[Finding]:
    """Compare a run with all targets."""
    timed = [target.compare(results.groups[target.group]) for target in TARGETS]
    return [*timed, *_memory_findings(results.memory)]


def _memory_findings(memory: Memory) -> Iterator[Finding]:
    for case, length, over in (
        ("memory of a remembered URL", "its own length", memory.over_length),
        ("memory of a signed resource", "the length of a URL", memory.resource_over_length),
    ):
        yield Finding(
            case=case,
            compared_with=length,
            wanted=f"at most +{MEMORY_LIMIT:,} bytes",
            measured=f"{over:+,.0f} bytes",
            is_reached=over <= MEMORY_LIMIT,
        )
    yield Finding(
        case="memory after twice as many names",
        compared_with="a full cache",
        wanted=f"at most {memory.size:,} URLs, and no more bytes",
        measured=f"{memory.most_entries:,} URLs, {memory.bytes_after / memory.bytes_full - 1:+.1%}",
        is_reached=memory.is_bounded,
    )


def as_ratio(value: float) -> str:
    """Write how many times as fast something is, rounded down: 11.997x is not 12.00x."""
    places = 2 if value < 20 else 1 if value < 100 else 0
    down = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_FLOOR)
    return f"{down:,}x"
