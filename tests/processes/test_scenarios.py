"""Rotate under load while processes die, compete, and lose the API and the database."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.signing import PrivateKey
from tests.background import repeating
from tests.ministack_server import Ministack
from tests.processes.commands import Command
from tests.processes.evidence import Evidence
from tests.processes.run import SEED, Run, run_everything
from tests.processes.site import DONE, FAILED, LIST, NOT_YET

_KILLS = 5
#: After a longer outage of the database, in seconds, a site may refuse to sign: where its last
#: answer is older than the longest life of a link and two intervals of the keyring together.
_LONGEST_OUTAGE = 3


@pytest.fixture(scope="class")
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rsa_key: PrivateKey
) -> Iterator[Run]:
    """Return a site under load, whose key was in the settings and is in its database now."""
    kind: str = request.cls.database
    with run_everything(kind, tmp_path_factory.mktemp(kind), rsa_key) as run:
        run.rotate("--import")
        yield run


@pytest.fixture
def run(started: Run) -> Run:
    """Return the site, and print what a failure needs to be seen again."""
    print(f"CFSIGNED_TEST_SEED={SEED}")
    return started


class Scenarios:
    """What depends on the database; on each kind, all tests share one site, and so one process."""

    def test_killed_at_any_moment(self, run: Run) -> None:
        """A command that is killed and run again ends what it began, with nothing left over."""
        chance = random.Random(SEED)
        began = time.monotonic()
        run.rotate("--dry-run")
        usual = time.monotonic() - began
        for _ in range(_KILLS):
            algorithm = chance.choice(("ECDSA_P256", "RSA_2048"))
            beginning = () if run.is_under_way() else ("--start", "--algorithm", algorithm)
            process = run.begin(*beginning, "--wait")
            moment = chance.randint(1, 14) if chance.random() < 0.6 else None
            patience = 4 * usual if moment else chance.uniform(0.5, 2) * usual
            print(f"killed at moment {moment} of its calls, or after {patience:.2f} s")
            _kill_at(run, process, moment, patience)
            run.assert_in_words(process, DONE, NOT_YET, -9)

        run.finish()
        assert len({link.process for link in run.load.links}) == 2

    def test_two_at_once(self, run: Run) -> None:
        """Two commands at the same time do each step once, and lose no change of a third."""
        before = len(run.watcher.rows())
        created = _count_creations(run)
        with _colleague(run) as changes:
            for arguments in (("--start",), (), (), ("--wait",)):
                pair = [run.begin(*arguments) for _ in range(2)]
                for process in pair:
                    run.assert_in_words(process, DONE, NOT_YET)

        run.finish()

        assert changes
        assert len(run.watcher.rows()) == before + 1
        assert _count_creations(run) == created + 1

    def test_database_fails(self, run: Run) -> None:
        """Signing goes on while the database is away, and a rotation ends when it is back."""
        waiting = run.begin("--start", "--wait")
        for _ in range(3):
            time.sleep(2)
            began = time.monotonic()
            run.site.database.interrupt()
            if time.monotonic() - began > _LONGEST_OUTAGE:
                run.load.not_signed.clear()
            run.assert_unharmed()

        run.assert_in_words(waiting, DONE, FAILED, NOT_YET)
        run.finish()


@pytest.mark.processes
class TestPostgreSQL(Scenarios):
    """Run what depends on the database on PostgreSQL, and look for keys in all that it made."""

    database = "postgresql"

    def test_no_key_is_seen(self, run: Run) -> None:
        """Pages, logs, dumps, pickles and error pages of all that ran hold no private key."""
        seen, copies = run.site.evidence, Evidence()
        run.person.post(f"{LIST}start/", algorithm="RSA_2048", reason="test")
        _visit_pages(run)
        run.rotate_until(lambda: "retiring" in run.watcher.statuses(), "two keys are encrypted")
        _visit_pages(run)
        dumped = _copy_database(run, copies)
        debugged = run.site.read(run.commands.begin("shell", "--verbosity", "0", "-c", _DEBUG_PAGE))
        seen.add("debug page", debugged)
        run.finish()
        _copy_database(run, copies)
        seen.add_files(*(run.site.folder / "logs").iterdir())
        seen.add_files(*run.site.folder.parent.glob("aws/*.log"))
        # A server may log a statement that failed, with the values in it.
        copies.add_files(*run.site.database.logs)

        keys, encrypted = run.watcher.private_keys, run.watcher.encrypted
        assert {row.fingerprint for row in run.watcher.rows()} == set(keys)
        assert "status 500" in debugged
        assert "Local vars" in debugged
        assert '"model": "admin.logentry"' in dumped
        assert copies.find_text(encrypted)
        assert seen.find_text({*keys})
        assert seen.find_text(encrypted) == []
        assert seen.find([*keys.values()]) == []
        assert copies.find([*keys.values()]) == []


@pytest.mark.processes
class TestSQLite(Scenarios):
    """Run what depends on the database on SQLite."""

    database = "sqlite"


def _kill_at(run: Run, process: Command, moment: int | None, patience: float) -> None:
    """Kill a process at its nth moment before or after a call, at the latest after a while."""
    moments = iter(range(1, 10**6))

    def count() -> None:
        if next(moments) == moment:
            process.kill()

    run.site.api.at_each_moment = count
    try:
        process.wait(patience)
    except TimeoutError:
        process.kill()
    finally:
        run.site.api.at_each_moment = lambda: None


def _count_creations(run: Run) -> int:
    return sum(
        call.startswith("POST") and call.endswith("/public-key") for call in run.site.api.calls
    )


@contextmanager
def _colleague(run: Run) -> Iterator[list[bool]]:
    """Add another person's key to the group and remove it, again and again."""
    # Through the same door as the site: the edges learn of these changes too.
    api, (_, key_pair_id), changes = run.site.api, run.foreign, list[bool]()
    client = Ministack(endpoint_url=api.url).client("cloudfront", account=api.account)

    def change() -> None:
        answer = client.get_key_group(Id=api.key_group_id)
        config = answer["KeyGroup"]["KeyGroupConfig"]
        others = [each for each in config["Items"] if each != key_pair_id]
        is_added = others == config["Items"]
        config["Items"] = [*others, key_pair_id] if is_added else others
        try:
            client.update_key_group(
                Id=api.key_group_id, IfMatch=answer["ETag"], KeyGroupConfig=config
            )
        except ClientError as error:  # Somebody else was quicker.
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        else:
            changes.append(is_added)

    with repeating(change, every=0.3):
        yield changes
    while changes and changes[-1]:
        change()


#: Prints a pickle of everything that a site may put into a cache or hand to a task.
_PICKLE = """
import base64, pickle
from django.core.files.storage import storages
from cfsigned_django.rotation.models import KeyPair
held = storages["default"], list(KeyPair.objects.all())
print(base64.b64encode(pickle.dumps(held)).decode())
"""


#: Prints what a site that was deployed with DEBUG shows of a view that fails.
_DEBUG_PAGE = """
from django.conf import settings
from django.test import Client
settings.DEBUG = True
answer = Client(raise_request_exception=False).get("/fail/", SERVER_NAME="127.0.0.1")
print("status", answer.status_code, answer.content.decode())
"""


def _visit_pages(run: Run) -> None:
    """Open each page of the keys that are in use, and send forms that are refused."""
    for found, status in (
        run.site.database.query("SELECT id, status FROM cfsigned_django_keypair") or ()
    ):
        key = UUID(str(found))  # SQLite has no type for them
        pages = [f"{LIST}{key}/{page}" for page in ("change/", "history/", "public-key.pem")]
        assert [run.person.get(page)[0] for page in pages] == [200, 200, 200]
        if status == "retired":
            continue
        for step in ("trust", "check", "activate", "retire", "revoke"):
            run.person.get(f"{LIST}{key}/{step}/")
        run.person.post(f"{LIST}{key}/revoke/", typed="something else", reason="test")
    for page in ("", "start/", "import/", "?q=MII"):
        run.person.get(LIST + page)


def _copy_database(run: Run, copies: Evidence) -> str:
    """Copy the database in every way there is; return what dumpdata wrote."""
    dumped, pickled = (
        run.site.read(run.commands.begin(*arguments))
        for arguments in (["dumpdata"], ["shell", "--verbosity", "0", "-c", _PICKLE])
    )
    copies.add("dumpdata", dumped)
    copies.add("copy of the database", run.site.database.dump())
    copies.add("pickle", base64.b64decode(pickled.split()[-1]))
    return dumped
