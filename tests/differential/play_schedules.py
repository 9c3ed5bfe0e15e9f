"""Rotate the keys of simulated sites with one checkout, and print what became of them.

usage: play_schedules.py COUNT SEED, in the checkout to play. Nothing fails and nobody dies in these
schedules: two implementations that take the same steps print the same lines. Each line is JSON: the
number of the schedule, and after each event the state of every key pair, oldest first.
"""

from __future__ import annotations

import json
import os
import random
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from unittest import mock

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def make_schedule(chance: random.Random) -> Any:
    """Return a schedule without faults, deaths or delays, of one rotator."""
    from tests.simulation.plan import SKEW, Plan
    from tests.simulation.schedules import BUSY_KINDS, Event, Kind, Schedule

    is_first = find_spec("cfsigned_django.lifecycle") is not None
    place = "cfsigned_django" if is_first else "cfsigned_django.rotation"
    waits: Any = import_module(f"{place}.lifecycle").Waits
    interval = chance.choice((10, 0, 60, 300))
    max_expire = chance.choice((20, 600, 86_400))
    expire_step = chance.choice((0, 0, 60))
    plan = Plan(
        waits=waits(
            propagation=chance.choice((5, 60, 300)),
            url_lifetime=max_expire + expire_step,
            keyring=2 * interval,
            clock_skew=2 * SKEW,
        ),
        interval=interval,
        max_expire=max_expire,
        expire_step=expire_step,
        claim_seconds=60,
        list_lag=0.0,
        faults=0.0,
        deaths=0.0,
        holds=0.0,
        database_failures=0.0,
        rotators=1,
        workers=2,
        edges=2,
        has_settings_key=chance.random() < 0.6,
        is_imported=chance.random() < 0.5,
        keeps_spare=chance.random() < 0.2,
        is_alone=chance.random() < 0.5,
        revokes=chance.random() < 0.3,
        meddles=chance.random() < 0.3,
    )
    kinds = [each for each in BUSY_KINDS if each is not Kind.API_DOWN]
    events = [Event(chance.choice(kinds), chance.randrange(2**16)) for _ in range(45)]
    return Schedule(plan=plan, seed=chance.randrange(2**16), events=events)


def main() -> None:
    """Play the schedules that the command line asks for."""
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from cfsigned_django.models import KeyPair
    from tests.simulation import site as sites
    from tests.simulation.happenings import Happenings

    seen: list[Any] = []

    def noted(happen: Any) -> Any:
        def happen_and_note(self: Any, kind: Any) -> None:
            happen(self, kind)
            rows = KeyPair.objects.order_by("created_at", "id")
            states = [(str(row.status), row.is_spare, row.since.timestamp()) for row in rows]
            seen.append((str(kind), sorted(states)))

        return happen_and_note

    with (
        mock.patch.object(Happenings, "happen", noted(Happenings.happen)),
        mock.patch.object(sites.Site, "while_committing"),
    ):
        _play(sites, count, seed, seen)


def _play(sites: Any, count: int, seed: int, seen: list[Any]) -> None:
    from tests.simulation.processes import Process

    processes = [Process("rotator 1")]
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        seen.clear()
        try:
            sites.play(make_schedule(chance), processes)
        except Exception as error:
            seen.append((type(error).__name__, str(error)[:200]))
        print(json.dumps({"n": number, "answer": seen, "case": ""}), flush=True)


if __name__ == "__main__":
    main()
