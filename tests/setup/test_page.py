"""Keep the transcripts of the pages equal to what the command prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.rotation.site import site_rotation
from tests.aws.provisioning.accounts import clients_of
from tests.ministack_server import Ministack
from tests.projects import ROOT

#: In English and in Korean.
PAGES = [ROOT / "docs" / "set-up-aws.md", ROOT / "docs" / "ko" / "set-up-aws.md"]
BUCKET = "media-example"
ACCOUNT = "222222222222"
_SETTINGS = """
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["cfsigned_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""
_RUN = """
import sys, time, django
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit
django.setup()
from django.core.management import call_command
from cfsigned_django.viewer import Answer
from cfsigned_django.management.commands.cfsigned_setup import Command
def fetch(url, headers):
    query = parse_qs(urlsplit(url).query)
    is_good = "Expires" in query and int(query["Expires"][0]) > time.time()
    if "127.0.0.1" in url or is_good and "cfsigned" not in query:
        body = b"<Error><Code>AccessDenied</Code><RequestId>1</RequestId></Error>"
    else:
        body = b"<Error><Code>%s</Code></Error>" % (b"AccessDenied" if query else b"MissingKey")
    return Answer(
        status=403,
        headers={"server": "CloudFront", "date": formatdate(usegmt=True)},
        body=body,
    )
Command.fetch = staticmethod(fetch)
call_command("migrate", verbosity=0)
call_command("cfsigned_setup", *sys.argv[1:], stderr=sys.stdout)
"""


both_pages = pytest.mark.parametrize("page", PAGES, ids=["en", "ko"])


def block(page: Path, role: str) -> str:
    """Return the block of the page that has this role."""
    found = re.search(
        rf"^<!-- {role} -->\n```text\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found, f"the page has no block {role}"
    return found[1]


@pytest.fixture(scope="module")
def printed(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the commands of the page; return what they print, with the ids of the page."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "page_settings.py").write_text(_SETTINGS)
    plan = ("--bucket", BUCKET, "--create")
    apply = (*plan, "--cors-origin", "https://www.example.com", "--apply", "--yes")
    found = {
        "plan": _run(ministack, folder, *plan),
        "transcript": _run(ministack, folder, *apply),
    }
    clients = clients_of(ministack, ACCOUNT)
    names = _names(clients, folder)
    return {role: _renamed(text, names) for role, text in found.items()}


def _run(server: Ministack, folder: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=folder,
        env=kept
        | {
            "DJANGO_SETTINGS_MODULE": "page_settings",
            "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "not checked",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _names(clients: Clients, folder: Path) -> dict[str, str]:
    account = read_account(clients, bucket=BUCKET)
    assert account.distribution is not None
    return {
        account.distribution.id: "E1A2B3C4D5E6F7",
        account.distribution.domain_name: "d111111abcdef8.cloudfront.net",
        (account.public_keys or ())[0].key_pair_id: "K2JCJMDEHXQW5F",
        (account.key_groups or ())[0].id: "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        ACCOUNT: "111122223333",
        str(folder): "/srv/site",
    }


def _renamed(text: str, names: dict[str, str]) -> str:
    for found, shown in names.items():
        text = text.replace(found, shown)
    return text


@both_pages
def test_transcript(page: Path, printed: dict[str, str]) -> None:
    """The page shows word for word what --apply prints."""
    assert printed["transcript"] == block(page, "transcript")


@both_pages
def test_settings_of_the_transcript(page: Path) -> None:
    """What is printed to be pasted passes the system checks, and is all that a rotation wants."""
    names: dict[str, Any] = {}
    pasted = block(page, "transcript").partition("to paste:")[2].partition("\nThe private key")[0]
    exec(pasted, names)  # noqa: S102 - our own pages

    with override_settings(**{name: value for name, value in names.items() if name.isupper()}):
        assert check_storages() == []
        assert site_rotation().key_group_id == names["AWS_CLOUDFRONT_KEY_GROUP_ID"]


@both_pages
def test_plan(page: Path, printed: dict[str, str]) -> None:
    """The page shows a part of the plan as it is printed."""
    assert block(page, "plan") in printed["plan"]


@both_pages
def test_every_step_is_in_the_table(page: Path, printed: dict[str, str]) -> None:
    """The table says what each step does in the console."""
    rows = re.findall(r"^\| (`.*?`) \|", page.read_text("utf-8"), re.MULTILINE)
    named = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))
    planned = set(re.findall(r"^to do     ([a-z-]+):", printed["plan"], re.MULTILINE))

    assert planned
    assert planned <= named
