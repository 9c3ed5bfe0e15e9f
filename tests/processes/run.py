"""Bring a site, its database, the API, the edges and the clients together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.tools.edge import EdgeServer
from tests.background import PATIENCE, free_port, opens, plain_environment, running, wait_until
from tests.ministack_server import MinistackHere
from tests.processes.cloudfront import Api, run_edges
from tests.processes.load import MAX_EXPIRE, Load
from tests.projects import ROOT
from tests.simulation.edges import Edges

#: Decides when processes are killed and what the clients request; printed where a test fails.
SEED = int(os.environ.get("CFSIGNED_TEST_SEED") or time.time())
#: What cfsigned_rotate says with its exit code.
DONE, FAILED, NOT_YET = 0, 1, 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that runs, and what must be so while it does."""

    #: The current folder of the site's processes, where they log, and their variables.
    folder: Path
    environment: dict[str, str]
    api: Api
    edges: Edges
    load: Load
    #: Public keys of other people: one in the key group, one in no group.
    foreign: dict[str, str]
    #: What commands printed.
    printed: list[str] = field(default_factory=list)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start cfsigned_rotate."""
        return subprocess.Popen(
            [sys.executable, "-m", "django", "cfsigned_rotate", *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def end(self, command: subprocess.Popen[str], *codes: int) -> None:
        """Fail unless a command ends with one of these exit codes, and with words."""
        output, _ = command.communicate(timeout=PATIENCE)
        self.printed.append(output)
        assert command.returncode in codes, f"exit code {command.returncode}:\n{output}"
        assert "Traceback" not in output, output

    def rotate(self, *arguments: str) -> None:
        """Run cfsigned_rotate, which may say "not yet" but must not fail."""
        self.end(self.begin(*arguments), DONE, NOT_YET)

    def key_pairs(self, status: str) -> list[KeyPair]:
        """Return the key pairs of a status."""
        return list(KeyPair.objects.filter(status=status))

    def is_under_way(self) -> bool:
        """Return whether a rotation is still under way."""
        return any(self.key_pairs(each) for each in ("pending", "trusted", "retiring"))

    def finish(self) -> None:
        """Wait until the rotation has ended, and assert that all is as it must be then."""
        deadline = time.monotonic() + PATIENCE
        while self.is_under_way():
            assert time.monotonic() < deadline, f"The rotation does not end.\n{self.story()}"
            self.rotate("--wait")
        [active], retired = self.key_pairs("active"), self.key_pairs("retired")
        # Links of the last key too live their whole life.
        name = str(active)
        wait_until(lambda: any(each.key_pair_id == name for each in self.load.links), "it signs")
        assert KeyPair.objects.count() == 1 + len(retired)
        assert [row for row in retired if row.encrypted_private_key] == []
        known = self.api.public_keys()
        assert set(known) == {*self.foreign, name}
        assert {name: known[name] for name in self.foreign} == self.foreign
        members = self.api.by_hand.group_config(self.api.key_group_id)["Items"]
        assert set(members) == {next(iter(self.foreign)), name}
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        """Fail with the story of each link that was not signed, or not served as it should."""
        load = self.load
        for faults in (load.not_signed, load.not_served, load.lost()):
            assert not faults, "\n".join((f"{len(faults)} faults:", *faults[:3], self.story()))

    def story(self) -> str:
        """Return what happened to the keys."""
        parts = [f"CFSIGNED_TEST_SEED={SEED}"]
        hidden = {"encrypted_private_key", "public_key"}
        for row in KeyPair.objects.values():
            parts.append(str({name: each for name, each in row.items() if name not in hidden}))
            name = row["key_pair_id"]
            parts += [str(self.edges.times_known(edge, name)) for edge in range(2) if name]
        return "\n".join(parts)


@contextmanager
def run_everything(
    folder: Path, emulator: MinistackHere, settings_key: PrivateKey
) -> Iterator[Run]:
    """Start all of it; stop it at the end of the block."""
    with ExitStack() as stack:
        api = Api(emulator)
        server = stack.enter_context(EdgeServer(api).running())
        pems = [PrivateKey.generate(each).public_key.to_pem() for each in KeyAlgorithm]
        upload = api.by_hand.upload
        foreign = {upload(f"foreign {n}", pem): pem for n, pem in enumerate(pems)}
        key_pair_id = upload("by hand", settings_key.public_key.to_pem())
        api.key_group_id = api.by_hand.make_group(next(iter(foreign)), key_pair_id)
        edges, domain = stack.enter_context(run_edges(api))
        values = {
            "AWS_CLOUDFRONT_KEY": settings_key.to_pem().decode(),
            "AWS_CLOUDFRONT_KEY_ID": key_pair_id,
            "AWS_CLOUDFRONT_KEY_GROUP_ID": api.key_group_id,
            "AWS_CLOUDFRONT_MAX_EXPIRE": MAX_EXPIRE,
            "AWS_QUERYSTRING_EXPIRE": MAX_EXPIRE,
            "AWS_S3_CUSTOM_DOMAIN": domain,
        }
        database = os.environ["CFSIGNED_TEST_DATABASE_URL"].rpartition("/")[0]
        environment = plain_environment() | {
            "CFSIGNED_TEST_DATABASE_URL": f"{database}/{connection.settings_dict['NAME']}",
            "DJANGO_SETTINGS_MODULE": "tests.processes.settings",
            "SITE_SETTINGS": json.dumps(values),
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
            "AWS_ACCESS_KEY_ID": api.account,
            "AWS_SECRET_ACCESS_KEY": "not checked",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        address = stack.enter_context(_serving(folder, environment))
        load = stack.enter_context(Load(address, edges, seed=SEED).running())
        yield Run(
            folder=folder,
            environment=environment,
            api=api,
            edges=edges,
            load=load,
            foreign=foreign,
        )


@contextmanager
def _serving(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve the site with gunicorn for the duration of the block; return its address."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "2", "--preload", "--no-control-socket"),
        *("--access-logfile", "-", "--log-level", "debug", "--timeout", "60"),
    ]
    address = f"http://127.0.0.1:{port}"
    with running(
        command,
        is_ready=lambda: opens(f"{address}/sign/?name=a&expire=1"),
        log=folder / "gunicorn.log",
        folder=folder,
        environment=environment,
    ):
        yield address


def interrupt_database() -> None:
    """Break every connection to the database, and refuse new ones for two seconds."""
    import psycopg

    connection.close()
    name = connection.settings_dict["NAME"]
    url = os.environ["CFSIGNED_TEST_DATABASE_URL"]
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        others = f"FROM pg_stat_activity WHERE datname = '{name}'"
        server.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
        time.sleep(2)
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
