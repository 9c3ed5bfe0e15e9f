"""Bring a site, its database, the API, the edges and the clients together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.background import PATIENCE, repeating, wait_until
from tests.ministack_server import run_ministack
from tests.processes.cloudfront import Api, run_edges
from tests.processes.commands import Command, Commands, running_commands
from tests.processes.databases import Row, Watcher, run_database
from tests.processes.evidence import Evidence
from tests.processes.load import Load
from tests.processes.site import DONE, LIST, NOT_YET, Person, Site
from tests.simulation.edges import Edges

#: Decides when processes are killed and what the clients request; printed where a test fails.
SEED = int(os.environ.get("CFSIGNED_TEST_SEED") or time.time())

_PASSWORD = "only for tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that runs, and what must be so while it does."""

    site: Site
    commands: Commands
    edges: Edges
    load: Load
    watcher: Watcher
    person: Person
    #: Public keys of other people: one in the key group, one in no group.
    foreign: dict[str, str]

    def rotate(self, *arguments: str, codes: tuple[int, ...] = (DONE, NOT_YET)) -> str:
        """Run cfsigned_rotate, which may say "not yet" but must not fail; return what it says."""
        return self.assert_in_words(self.begin(*arguments), *codes)

    def begin(self, *arguments: str) -> Command:
        """Start cfsigned_rotate."""
        return self.commands.begin("cfsigned_rotate", *arguments)

    def assert_in_words(self, command: Command, *codes: int) -> str:
        """Fail unless a command ends with one of these exit codes, and with words."""
        code, output = self.site.finish(command)
        assert code in codes, f"exit code {code}:\n{output}"
        assert "Traceback" not in output, output
        return output

    def rotate_until(self, is_so: Callable[[], object], what: str, *arguments: str) -> None:
        """Run cfsigned_rotate again and again, as cron does, until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.story()}"
            self.rotate(*arguments)
            if not is_so():
                time.sleep(2)

    def is_under_way(self) -> bool:
        """Return whether a rotation is still under way."""
        return bool({"pending", "trusted", "retiring"} & set(self.watcher.statuses()))

    def active(self) -> Row:
        """Return the key pair that signs."""
        return next(row for row in self.watcher.rows() if row.status == "active")

    def finish(self) -> None:
        """Wait until the rotation has ended, and assert that all is as it must be then."""
        self.rotate_until(lambda: not self.is_under_way(), "the rotation is over", "--wait")
        # Links of the last key too live their whole life.
        active = self.active()
        wait_until(lambda: self.load.of_key(active.key_pair_id), "the new key signs")
        rows = self.watcher.rows()
        assert sorted({row.status for row in rows}) == ["active", "retired"], rows
        assert [row for row in rows if row.status == "retired" and row.encrypted_private_key] == []
        known = self.site.api.public_keys()
        assert set(known) == {*self.foreign, active.key_pair_id}
        assert {name: known[name] for name in self.foreign} == self.foreign
        members = self.site.api.by_hand.group_config(self.site.api.key_group_id)["Items"]
        assert set(members) == {next(iter(self.foreign)), active.key_pair_id}
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        """Fail with the story of each link that was not signed, or not served as it should."""
        load = self.load
        for faults in (load.not_signed, load.not_served, load.lost()):
            assert not faults, "\n".join((f"{len(faults)} faults:", *faults[:3], self.story()))

    def story(self) -> str:
        """Return what happened to the keys."""
        parts = [f"CFSIGNED_TEST_SEED={SEED}", "The keys:", *self.watcher.history[-30:]]
        for name in {row.key_pair_id for row in self.watcher.rows() if row.key_pair_id}:
            times = [self.edges.times_known(edge, name) for edge in range(2)]
            parts.append(f"The edges trusted {name}: {times}")
        return "\n".join(parts)


@contextmanager
def run_everything(kind: str, folder: Path, settings_key: PrivateKey) -> Iterator[Run]:
    """Start all of it on a database of a kind; stop it at the end of the block."""
    evidence = Evidence()
    with ExitStack() as stack:
        for name in ("site", "database", "aws"):
            (folder / name).mkdir()
        ministack = stack.enter_context(run_ministack(folder / "aws"))
        database = stack.enter_context(run_database(kind, folder / "database"))
        api = stack.enter_context(Api(ministack, evidence).running())
        pems = [PrivateKey.generate(each).public_key.to_pem() for each in KeyAlgorithm]
        upload = api.by_hand.upload
        foreign = {upload(f"foreign {n}", pem): pem for n, pem in enumerate(pems)}
        key_pair_id = upload("by hand", settings_key.public_key.to_pem())
        api.key_group_id = api.by_hand.make_group(next(iter(foreign)), key_pair_id)
        edges, domain = stack.enter_context(run_edges(api))
        site = Site(folder=folder / "site", database=database, api=api, evidence=evidence)
        site.write(settings_key, key_pair_id, domain)
        commands = stack.enter_context(running_commands(site.folder, site.environment))
        site.read(commands.begin("migrate", "--verbosity", "0"))
        site.read(commands.begin("shell", "--verbosity", "0", "-c", _CREATE_PERSON))
        address = stack.enter_context(site.serving())
        person = Person(address, evidence, _PASSWORD)
        load = stack.enter_context(Load(address, edges, evidence, seed=SEED).running())
        watcher = Watcher(database)
        stack.enter_context(repeating(watcher.look, every=0.25))
        # Somebody has the page of the keys open, which looks again every two seconds.
        stack.enter_context(repeating(lambda: person.get(LIST), every=2))
        yield Run(
            site=site,
            commands=commands,
            edges=edges,
            load=load,
            watcher=watcher,
            person=person,
            foreign=foreign,
        )


_CREATE_PERSON = (
    "from django.contrib.auth import get_user_model as m;"
    f" m().objects.create_superuser('person', password={_PASSWORD!r})"
)
