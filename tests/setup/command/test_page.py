"""Keep a transcript of a whole setup, and the pages equal to what the command prints."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.rotation.site import site_rotation
from tests.golden import assert_golden
from tests.pages import ROOT, read
from tests.setup.viewers import ACCOUNT

BUCKET = "media-example"
#: In English and in Korean.
PAGES = [ROOT / "docs" / "set-up-aws.md", ROOT / "docs" / "ko" / "set-up-aws.md"]


def block(page: Path, role: str) -> str:
    """Return the block of the page that has this role."""
    found = re.search(rf"^<!-- {role} -->\n```text\n(.*?)^```$", read(page), re.M | re.S)
    assert found, f"the page has no block {role}"
    return found[1]


def printed(*arguments: str) -> str:
    """Return what a person sees."""
    shown = StringIO()
    call_command("cfsigned_setup", "--bucket", BUCKET, *arguments, stdout=shown, stderr=shown)
    return shown.getvalue()


def shown_ids(text: str, clients: Clients) -> str:
    """Return the text with the ids of the pages."""
    account = read_account(clients, bucket=BUCKET)
    assert account.distribution is not None
    [group] = [each for each in account.key_groups or () if BUCKET in each.name]
    for found, shown in {
        account.distribution.id: "E1A2B3C4D5E6F7",
        account.distribution.domain_name: "d111111abcdef8.cloudfront.net",
        group.key_pair_ids[0]: "K2JCJMDEHXQW5F",
        group.id: "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        ACCOUNT: "111122223333",
    }.items():
        text = text.replace(found, shown)
    return text


@pytest.mark.django_db(transaction=True)
def test_transcript(clients: Clients, settings: Any) -> None:
    """Print what the pages show; what is to be pasted passes the checks, and a rotation too."""
    settings.AWS_STORAGE_BUCKET_NAME = BUCKET
    plan = printed("--create")
    applied = printed("--create", "--cors-origin", "https://www.example.com", "--apply", "--yes")
    plan, applied = shown_ids(plan, clients), shown_ids(applied, clients)

    assert_golden("setup", f"{plan}\n--apply:\n\n{applied}")
    planned = set(re.findall(r"^to do     ([a-z-]+):", plan, re.M))
    assert planned
    for page in PAGES:
        assert block(page, "plan") in plan
        assert block(page, "transcript") == applied
        rows = re.findall(r"^\| (`.*?`) \|", read(page), re.M)
        assert planned <= set(re.findall(r"`([a-z-]+)`", " ".join(rows)))
    names: dict[str, Any] = {}
    exec(re.search(r"^AWS_.*^}$", applied, re.M | re.S)[0], names)  # type: ignore[index]  # noqa: S102
    with override_settings(**{name: value for name, value in names.items() if name.isupper()}):
        assert check_storages() == []
        assert site_rotation().key_group_id == names["AWS_CLOUDFRONT_KEY_GROUP_ID"]
