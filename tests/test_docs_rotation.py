"""Play what the pages about rotation show: commands, tasks, permissions and messages."""

from __future__ import annotations

import builtins
import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, ManagementUtility, call_command
from django.db import OperationalError, ProgrammingError, connection
from django.test import override_settings

from cfsigned_django.aws.errors import EXPLANATIONS
from cfsigned_django.encryption import decrypt
from cfsigned_django.keyring import Found, Keyring, Lease
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.setup.report import iam_as_text
from tests.admin import FakeCloudFront
from tests.admin.conftest import cloudfront, story
from tests.admin.story import KEY_GROUP_ID, KEY_PAIR_IDS, Story
from tests.golden import DIRECTORY as GOLDEN
from tests.pages import CATALOG, DOCS, HOW_TO, ROTATION, SCHEDULER, entries, read, snippets
from tests.rotation import plain

__all__ = ["cloudfront", "story"]

pytestmark = pytest.mark.django_db(transaction=True)

KEY_LEAKED = HOW_TO / "key-leaked.md"
IAM = DOCS / "reference" / "iam.md"
MESSAGES = DOCS / "problems" / "rotation-messages.md"
#: A transcript, and how long after the one before it is taken; it may be indented, in a list.
TRANSCRIPT = re.compile(
    r"^ *<!-- rotation(?P<later>[^>]*?) -->\n(?P<indent> *)```console\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
UNITS = {"s": "seconds", "min": "minutes", "days": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Run commands, with the ids of the pages."""

    cloudfront: FakeCloudFront
    last_code: list[int]
    #: What the person answers to the questions of a command.
    typed: list[str]

    def names(self) -> list[tuple[str, str]]:
        """Return pairs of what the test and what the pages call the same thing."""
        known = KeyPair.objects.exclude(key_pair_id=None).values_list("key_pair_id", flat=True)
        ids = sorted({self.cloudfront.settings_key_id, *filter(None, known)})
        return [
            *zip(ids, KEY_PAIR_IDS, strict=False),
            (self.cloudfront.key_group_id, KEY_GROUP_ID),
        ]

    def run(self, line: str) -> str:
        """Return what a command prints on the screen."""
        if line == "echo $?":
            return f"{self.last_code[0]}\n"
        for test, page in self.names():
            line = line.replace(page, test)
        program, *arguments = shlex.split(line)
        assert program == "python"
        if "--revoke" in arguments:
            self.typed[:] = ["yes", arguments[arguments.index("--revoke") + 1]]
        screen = io.StringIO()
        with redirect_stdout(screen), redirect_stderr(screen):
            try:
                ManagementUtility(arguments).execute()
            except SystemExit as end:
                self.last_code[0] = int(end.code or 0)
            else:
                self.last_code[0] = 0
        text = screen.getvalue()
        for test, page in self.names():
            text = text.replace(test, page)
        # A key that has no id yet is named by its fingerprint, which is another one each time.
        return plain(text)


@pytest.fixture
def terminal(cloudfront: FakeCloudFront, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal, at which a person types what is asked for."""

    terminal = Terminal(cloudfront=cloudfront, last_code=[0], typed=[])

    def answer() -> str:
        wanted = terminal.typed.pop(0)
        print(wanted)
        return wanted

    monkeypatch.setattr(builtins, "input", answer)
    return terminal


def transcripts(pages: list[Path]) -> Iterator[re.Match[str]]:
    """Find the transcripts of pages that follow one another, in their order."""
    return TRANSCRIPT.finditer("".join(map(read, pages)))


def play(pages: list[Path], story: Story, terminal: Terminal) -> list[str]:
    """Run the commands of pages and return what was printed in the place of their transcripts."""
    seen = []
    for found in transcripts(pages):
        for number, unit in re.findall(r"(\d+) (s|min|days)\b", found["later"]):
            story.later(**{UNITS[unit]: int(number)})
        commands = re.findall(r"^\$ (.*)$", dedent(found["code"]), re.MULTILINE)
        seen.append("".join(f"$ {each}\n{terminal.run(each)}" for each in commands))
    return seen


def shown(pages: list[Path]) -> list[str]:
    """Return the transcripts as the pages show them."""
    texts = [dedent(found["code"]) for found in transcripts(pages)]
    return [plain(text) for text in texts]


def test_rotation_by_command(story: Story, terminal: Terminal) -> None:
    """The commands print what the pages show, and the policy for them allows what they call."""
    story.now = datetime(2026, 9, 1, 14, tzinfo=UTC)

    seen = play(ROTATION, story, terminal)

    assert len(seen) > 6
    assert seen == shown(ROTATION)
    called = {each.title().replace("_", "") for each in terminal.cloudfront.calls}
    actions = policies_shown()["rotation"]["Statement"][0]["Action"]
    assert actions == sorted(f"cloudfront:{each}" for each in called)


def policies_shown() -> dict[str, Any]:
    """Return the policies of the page about IAM, by the heading above each."""
    found = re.findall(r"^## (\w+)\n.*?^```json\n(.*?)^```$", read(IAM), re.MULTILINE | re.DOTALL)
    return {job: json.loads(policy) for job, policy in found}


def test_iam_page_shows_what_the_command_prints() -> None:
    """The page has the policy of each job, as cfsigned_setup --iam prints it."""
    assert policies_shown() == json.loads(iam_as_text("media-example", ""))


def test_revocation_by_command(story: Story, terminal: Terminal) -> None:
    """The commands of the page about a leak print what it shows."""
    story.import_key()
    story.later(days=30)

    seen = play([KEY_LEAKED], story, terminal)

    assert len(seen) > 1
    assert seen == shown([KEY_LEAKED])


@pytest.mark.parametrize("place", [0, 1], ids=["celery", "django.tasks"])
def test_scheduled_tasks(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: int
) -> None:
    """The tasks of the page do a step each time, and do not fail because they must wait."""
    for name, decorator in (("celery", "shared_task"), ("django.tasks", "task")):
        module = ModuleType(name)
        setattr(module, decorator, lambda function: function)
        monkeypatch.setitem(sys.modules, name, module)
    code = [each.code for each in snippets(SCHEDULER) if each.role == "task"][place]
    names: dict[str, Any] = {}
    exec(compile(code, SCHEDULER.name, "exec"), names)  # noqa: S102 - our own page
    story.import_key()

    for _ in range(4):
        names["rotate_keys"]()
        story.later(seconds=20)

    assert set(KeyPair.objects.values_list("status", flat=True)) == {"active", "trusted"}
    assert "Not yet:" in capsys.readouterr().out


# The tables of messages

#: What AWS and boto3 answer to a call about keys: one code for each answer that is explained.
CODES = (
    *("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"),
    *("RequestExpired", "NoCredentialsError", "PartialCredentialsError", "MetadataRetrievalError"),
    *("SSOError", "ProfileNotFound", "NoRegionError", "Throttling", "InternalError"),
    *("ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"),
    *("ConnectionError", "ResponseParserError", "NoSuchResource", "NoSuchPublicKey"),
    *("TooManyPublicKeys", "PublicKeyInUse", "PreconditionFailed"),
)
#: Stands in the tables for names and numbers.
GAP = "…"
#: An error of a rotation in the catalog, which says where each text is from.
ERROR = re.compile(
    r"^#: (?:encryption|rotation/(?:errors|reencryption|rotation|site|store))\.py\n(?:#.*\n)*"
    r'msgid "(.+)"$',
    re.MULTILINE,
)


def messages() -> list[str]:
    """Return the headings that are messages: what follows says what to do."""
    return re.findall(r"^### (.*)\n\n(?:(?!#).*\n)+\n\*\*To do:\*\*", read(MESSAGES), re.MULTILINE)


def is_in(message: str, text: str) -> bool:
    """Return whether a message of the page, gaps and all, stands in a text."""
    pieces = (re.escape(" ".join(piece.split())) for piece in message.split(GAP))
    return re.search(".*".join(pieces), " ".join(text.split())) is not None


def refusals(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield what the command says if it refuses or warns, for one reason after another."""

    def rotate(*arguments: str, **settings: object) -> str:
        screen = io.StringIO()
        with override_settings(**settings):
            try:
                call_command("cfsigned_rotate", *arguments, stdout=screen, stderr=screen)
            except CommandError as error:
                return f"{screen.getvalue()} {error}"
        return screen.getvalue()

    def end() -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", end)
    yield rotate("--max-age", "90d")
    yield rotate("--max-age", "ninety")
    yield rotate("--start", "--reason", "x" * 251)
    yield rotate("--start", AWS_CLOUDFRONT_CLAIM_SECONDS=-1)
    yield rotate("--start", AWS_CLOUDFRONT_ENCRYPTION_KEYS=["x"])
    yield rotate("--start", AWS_CLOUDFRONT_KEY_GROUP_QUOTA=0)
    for failure in (OperationalError, ProgrammingError):
        with connection.execute_wrapper(mock.Mock(side_effect=failure)):
            yield rotate("--start")
    rotate("--start", "--algorithm", "ECDSA_P256")
    yield rotate("--start", "--algorithm", "RSA_2048")
    yield rotate("--max-age", "90d", "--algorithm", "RSA_2048")
    yield rotate("--revoke", KeyPair.objects.get().fingerprint[:12])
    KeyPair.objects.update(encrypted_private_key="damaged")
    yield rotate("--re-encrypt")


def answers_of_the_keyring(caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Yield what is raised or logged if no key signs, or if the database does not answer."""
    signer = Signer(key_pair_id="K1", private_key=PrivateKey.generate())
    looks: list[Any] = [
        lambda *_: Found(),
        lambda *_: decrypt("damaged", uuid4(), ""),
        mock.Mock(side_effect=OperationalError),
    ]
    for look in looks:
        with pytest.raises(ImproperlyConfigured) as raised:
            Keyring(look).group("G", None).lease(None)
        yield str(raised.value)
    with pytest.raises(ImproperlyConfigured) as raised:
        Lease(signer=signer, seen_at=0).cap_expiry(9, lifetime=1, now=5)
    yield str(raised.value)
    yield from (each.getMessage() for each in caplog.records if each.name.endswith("keyring"))


def test_messages_are_what_people_read(
    story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader who looks up a message finds its row, and no row has words that nothing says."""
    rows = messages()
    catalog = read(CATALOG / "django.po")
    errors = ERROR.findall(catalog)
    met = [
        *errors,
        *refusals(monkeypatch),
        *answers_of_the_keyring(caplog),
        *read(GOLDEN / "rotation-errors.txt").splitlines(),
        *(EXPLANATIONS[code].reason for code in CODES),
    ]
    said = [
        *map(read, GOLDEN.glob("*.txt")),
        *(original for original, _ in entries(catalog)),
    ]

    assert len(errors) > 20
    assert all(len(each.replace(GAP, "").split()) > 1 for each in rows)
    assert [text for text in met if not any(is_in(each, text) for each in rows)] == []
    assert [each for each in rows if not any(is_in(each, text) for text in (*met, *said))] == []
