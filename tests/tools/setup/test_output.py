"""Print what the pages show, and policies and code without calling AWS.

Modules: tools/setup/report.py
"""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from cfsigned_django.aws.client import Clients
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.management.command import CfsignedCommand
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.terminal import printable
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.facts import FACTS, Fact
from cfsigned_django.tools.account.state.steps import conflict, done, todo
from cfsigned_django.tools.doctor.catalog import CATALOG
from cfsigned_django.tools.doctor.findings import Finding
from cfsigned_django.tools.setup.report import (
    as_json,
    command_line,
    exit_code,
    plan_as_text,
    storages_as_text,
)
from tests.golden import assert_golden
from tests.pages import DOCS, read, table
from tests.storage_cases import FILE_BACKEND, S3_BACKEND
from tests.tools.setup import run
from tests.tools.setup.viewers import ACCOUNT

BUCKET = "media-example"
AWS = DOCS / "aws"
TRANSCRIPT = AWS / "from-nothing.md"


class OfRequest(CloudFrontS3Storage):
    """A storage of which a test makes an option a property."""


def block(page: Path, role: str) -> str:
    """Return the block of the page that has this role."""
    found = re.search(rf"^<!-- {role} -->\n```text\n(.*?)^```$", read(page), re.M | re.S)
    assert found, f"the page has no block {role}"
    return found[1]


def printed(*arguments: str) -> str:
    """Return what a person sees."""
    shown = StringIO()
    with suppress(SystemExit):  # with 75, while the key waits
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
        str(connection.settings_dict["NAME"]): "db.sqlite3",
    }.items():
        text = text.replace(found, shown)
    return text


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("site_in_aws")
def test_transcript(clients: Clients, settings: Any) -> None:
    """Print what the pages show; what is to be pasted passes the checks, and a rotation too."""
    settings.AWS_STORAGE_BUCKET_NAME = BUCKET
    plan = printed("--create")
    printed_ids = printed(
        "--create", "--cors-origin", "https://www.example.com", "--apply", "--yes"
    )
    plan, applied = shown_ids(plan, clients), shown_ids(printed_ids, clients)
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    again = shown_ids(printed("--create", "--apply", "--yes"), clients)
    names: dict[str, Any] = {}
    exec(re.search(r"^AWS_.*^}$", printed_ids, re.M | re.S)[0], names)  # type: ignore[index]  # noqa: S102
    with override_settings(**{name: value for name, value in names.items() if name.isupper()}):
        assert check_storages() == []
        assert site_rotation().key_group_id == names["AWS_CLOUDFRONT_KEY_GROUP_ID"]
        pasted = shown_ids(printed("--apply"), clients)
        undecided = printed("--domain", "media.example.com").splitlines()[-2:]

    assert_golden("setup", f"{plan}\n--apply:\n\n{applied}")
    again_with_settings = "\n".join(["--apply:", pasted, "--domain:", "", *undecided, ""])
    assert_golden("setup-again", again_with_settings)
    planned = set(re.findall(r"^to do     ([a-z-]+):", plan, re.M))
    assert planned
    assert block(TRANSCRIPT, "plan") in plan
    assert block(TRANSCRIPT, "transcript") == applied
    assert block(TRANSCRIPT, "again") in again
    rows = " ".join(step for step, _ in table(AWS / "steps.md", "Step"))
    assert planned <= set(re.findall(r"`([a-z-]+)`", rows))


@pytest.mark.usefixtures("site_in_aws", "unmigrated")
class TestPrinting:
    """--iam and --export call nothing."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fail if AWS is called."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def test_iam(self, bucket_name: str) -> None:
        """Print one policy for each job, for this bucket; test_permissions.py has their actions."""
        policies = json.loads(run("--iam"))

        assert set(policies) == {"setup", "look", "rotation", "site"}
        assert f"arn:aws:s3:::{bucket_name}/*" in json.dumps(policies["site"])
        assert json.loads(run("--iam", "site")) == policies["site"]

    def test_iam_of_a_site_that_invalidates(self, settings: Any) -> None:
        """Allow invalidations of the distributions whose storages ask for them, and of no other."""
        backend = {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}
        asked = {"invalidate_on": ["delete"]}
        settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = "E1A2B3C4D5E6F7"
        settings.STORAGES = {
            "default": backend,
            "b": {**backend, "OPTIONS": {**asked, "distribution_id": "E2A2B3C4D5E6F7"}},
            "a": {**backend, "OPTIONS": asked},
            "memory": {
                "BACKEND": "cfsigned_django.testing.InMemorySignedStorage",
                "OPTIONS": {**asked, "distribution_id": "E3A2B3C4D5E6F7"},
            },
        }
        statements = json.loads(run("--iam", "site"))["Statement"]

        assert [each for each in statements if each["Sid"] == "Invalidations"] == [
            {
                "Sid": "Invalidations",
                "Effect": "Allow",
                "Action": ["cloudfront:CreateInvalidation"],
                "Resource": [
                    f"arn:aws:cloudfront::*:distribution/{name}"
                    for name in ("E1A2B3C4D5E6F7", "E2A2B3C4D5E6F7")
                ],
            }
        ]

    @pytest.mark.parametrize("option", ["distribution_id", "invalidate_on"])
    def test_iam_of_options_within_requests(
        self, option: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Allow invalidations of any distribution if a property knows which in a request only."""
        options = {"invalidate_on": ["delete"], "distribution_id": "E1A2B3C4D5E6F7"}
        del options[option]
        settings.STORAGES = {"default": {"BACKEND": f"{__name__}.OfRequest", "OPTIONS": options}}

        def fail(storage: object) -> str:
            raise LookupError("no request")

        monkeypatch.setattr(OfRequest, option, property(fail))
        statements = json.loads(run("--iam", "site"))["Statement"]

        found = [each["Resource"] for each in statements if each["Sid"] == "Invalidations"]
        assert found == [["arn:aws:cloudfront::*:distribution/*"]]

    def test_export(self, tmp_path: Path) -> None:
        """Print code, with the public key if there is one, and never the private one."""
        without = run("--export", "terraform")
        key = PrivateKey.generate()
        (tmp_path / "key.pem").write_bytes(key.to_pem())

        with_key = run("--export", "cloudformation", "--key-file", str(tmp_path / "key.pem"))

        assert "var.public_key_pem" in without
        template = json.loads(with_key)
        assert template["Parameters"]["PublicKeyPem"]["Default"] == key.public_key.to_pem()
        assert "PRIVATE" not in with_key

    @pytest.mark.parametrize("language", ["terraform", "cloudformation"])
    @pytest.mark.parametrize("named", ["option", "setting"])
    def test_export_of_a_distribution_that_is_there(
        self, language: str, named: str, settings: Any
    ) -> None:
        """Export no second distribution if one is there: show how to import it, or --create."""
        option = ["--distribution", "E1A2B3C4D5"] if named == "option" else []
        settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = "E9" if option else "E1A2B3C4D5"

        with pytest.raises(CommandError, match="--create") as caught:
            run("--export", language, *option)

        imports = 'import {\n  to = aws_cloudfront_distribution.media\n  id = "E1A2B3C4D5"\n}'
        assert (imports in str(caught.value)) == (language == "terraform")
        assert "aws_cloudfront_key_group" in run("--export", "terraform", "--create")


def test_storages_to_paste(settings: Any) -> None:
    """Print what names a storage that signs, unless the site has one; leave others as they are."""
    without_storages = storages_as_text()
    settings.STORAGES = {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    with_others = storages_as_text()
    for backend in (S3_BACKEND, FILE_BACKEND):
        settings.STORAGES = {**settings.STORAGES, "private": {"BACKEND": backend}}
        assert storages_as_text() == ""

    assert without_storages.startswith("STORAGES = {")
    assert without_storages in read(DOCS / "how-to" / "install.md")
    assert with_others == f'STORAGES["default"] = {{"BACKEND": "{S3_BACKEND}"}}'


def found(kind: str, *, is_fact: bool = False) -> Any:
    """Return a finding, or a fact, of that id."""
    level = {**CATALOG, **FACTS}[kind].level
    if is_fact:
        return Fact(id=kind, what="x", subject="x")
    return Finding(id=kind, level=level, what="x", why="", fix="", subject="x")


#: Facts, findings of the proof, whether the key waits, conflicts, and the exit code.
EXIT_CODES: list[tuple[str, str, bool, str, int]] = [
    ("", "clock signed-served", False, "", 0),
    ("open-folder earlier-behavior-elsewhere", "signed-served", False, "", 0),
    ("", "no-answer s3-no-answer", False, "", 75),
    ("", "server-error", False, "", 75),
    ("", "signed-passes", True, "", 75),
    ("key-not-at-edges", "signed-served", False, "", 75),
    ("distribution-deploying", "signed-served", False, "", 75),
    ("", "no-answer", True, "domain", 1),
    ("", "not-cloudfront", True, "", 1),
    ("", "signed-unknown-key", False, "", 1),
    ("", "signed-unknown-key", True, "", 75),
    ("", "signed-unknown-key s3-open", True, "", 1),
    ("key-not-at-edges", "signed-unknown-key", False, "", 75),
    ("", "no-answer s3-open", False, "", 1),
    ("bucket-public", "signed-served", False, "", 1),
]


def test_exit_code() -> None:
    """Exit with 75 only if an answer or time is all that is missing, and with 1 for the rest."""
    for facts, proof, waits, steps, expected in EXIT_CODES:
        code = exit_code(
            [conflict(each, "x") for each in steps.split()],
            [found(each, is_fact=True) for each in facts.split()],
            [found(each) for each in proof.split()],
            key_waits=waits,
            key_is_new=False,
        )

        assert (facts, proof, waits, steps, code) == (facts, proof, waits, steps, expected)


def test_exit_code_of_a_new_key() -> None:
    """Exit with 75 if edges do not know a key that this run added; one that works is done."""
    refused, served = [found("signed-unknown-key")], [found("signed-served")]

    assert exit_code([], [], refused, key_waits=False, key_is_new=True) == 75
    assert exit_code([], [], served, key_waits=False, key_is_new=True) == 0


def test_command_to_run_later() -> None:
    """Repeat the options that were given, quoted for a shell, and no default."""
    parser = cfsigned_setup.Command().create_parser("manage.py", "cfsigned_setup")
    given = "--create --path-pattern 'media/*' --cors-origin https://a.example.com --apply --yes"

    options = vars(parser.parse_args(shlex.split(given)))

    assert command_line(options) == f"manage.py cfsigned_setup {given}"


def test_control_characters() -> None:
    """Print nothing of an account that a terminal would obey; JSON stays the same."""
    name = "theirs\x1b[2J\x9b\u202e"
    steps = [todo("behavior", f"{name} goes", before={"Comment": name}, after={}), done(name, "x")]

    plan, report = map(
        printable, (plan_as_text(steps), as_json(steps, [], {"AWS_X": name}, None, "", code=0))
    )

    assert [each for each in plan + report if not each.isprintable() and each != "\n"] == []
    assert json.loads(report)["steps"][0]["before"] == {"Comment": name}


class Terminal(StringIO):
    """A stand-in for a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_colors_of_a_terminal() -> None:
    """Print what a command is doing as it is, and an error alone in red."""

    class Refusing(CfsignedCommand):
        requires_system_checks = ()

        def run(self, options: dict[str, Any]) -> None:
            self.stderr.write("doing     bucket")
            raise CommandError("Nothing was changed.")

    terminal = Terminal()
    with pytest.raises(SystemExit):
        Refusing(stderr=terminal, force_color=True).run_from_argv(["manage.py", "refusing"])

    told, error = terminal.getvalue().splitlines()[:2]
    assert told == "doing     bucket"
    assert error.startswith("\x1b[")
