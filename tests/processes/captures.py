"""Collect what a site shows of its keys, where it shows most."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from uuid import UUID

from tests.processes.admin import LIST
from tests.processes.evidence import Evidence
from tests.processes.run import Run

#: Prints a pickle of everything that a site may put into a cache or hand to a task.
_PICKLE = """
import base64, pickle
from django.core.files.storage import storages
from cfsigned_django import conf
from cfsigned_django.rotation.models import KeyPair
held = storages["default"], conf.Config.read(), list(KeyPair.objects.all())
print(base64.b64encode(pickle.dumps(held)).decode())
"""
_KEYS = "SELECT id, status FROM cfsigned_django_keypair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captures:
    """What was collected: copies of the database, which hold sealed keys, and the rest."""

    seen: Evidence
    copies: Evidence = field(default_factory=Evidence)

    def visit_pages(self, run: Run) -> None:
        """Open each page of the keys that are in use, and send forms that are refused."""
        for found, status in run.site.database.query(_KEYS) or ():
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

    def copy_database(self, run: Run) -> str:
        """Copy the database in every way there is; return what dumpdata wrote."""
        dumped = run.site.begin("dumpdata")
        text, _ = dumped.communicate()
        assert dumped.returncode == 0, text
        self.copies.add("dumpdata", text)
        self.copies.add("copy of the database", run.site.database.dump())
        pickled = run.site.begin("shell", "--verbosity", "0", "-c", _PICKLE)
        text_of_pickle, _ = pickled.communicate()
        assert pickled.returncode == 0, text_of_pickle
        self.copies.add("pickle", base64.b64decode(text_of_pickle.split()[-1]))
        return text

    def collect_logs(self, run: Run) -> None:
        """Take what all processes wrote into files."""
        self.seen.add_files(*(run.site.folder / "logs").iterdir())
        self.seen.add_files(*run.site.folder.parent.glob("aws/*.log"))
        # A server may log a statement that failed, with the values in it.
        self.copies.add_files(*run.site.database.logs)
