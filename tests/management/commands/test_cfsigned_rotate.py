"""Test cfsigned_rotate: what it does, says and exits with.

Modules: management/command.py, core/text.py
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import load_command_class
from django.db import DataError, Error, OperationalError, ProgrammingError, connection

from cfsigned_django.management import commands
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.store import SETTLE, Claimed
from tests.golden import assert_golden
from tests.management import run_as_program
from tests.rotation import Shell, change, plain
from tests.rotation.conftest import shell as shell
from tests.simulation.answers import refusal

DAY = 86400
IMPORT, START, RUN = ("--import",), ("--start",), ()
STARTED, TRUSTED = (IMPORT, START), (IMPORT, START, RUN)
SIGNER_ID = "APKAIOSFODNN7EXAMPLE"


# Whole stories, word by word


def test_rotation_is_told(shell: Shell) -> None:
    """From the settings' key to its end; each dry run says what the run after it does."""
    for arguments, seconds in (
        (IMPORT, 0),
        (("--start", "--reason", "yearly"), 0),
        (START, 0),
        (RUN, 0),
        (RUN, 0),
        (RUN, 301),
        (RUN, 60),
        (RUN, 8 * DAY),
        (RUN, 0),
    ):
        shell.wait(seconds)
        before = list(KeyPair.objects.values())
        assert shell.run(*arguments, "--dry-run").code == 0
        assert list(KeyPair.objects.values()) == before
        shell.run(*arguments)

    assert_golden("cfsigned-rotate-rotation", plain(shell.text))
    active = KeyPair.objects.get(status="active")
    assert (active.reason, active.changed_by) == ("yearly", "cfsigned_rotate")
    assert KeyPair.objects.get(status="retired").key_pair_id == shell.settings_key_id
    assert shell.members == {str(active)}


def test_revocations_are_told(shell: Shell, site: Any) -> None:
    """A revocation says what breaks and what signs: with no next key, a new one, a ready one."""
    shell.run_all(IMPORT)
    shell.run("--revoke", shell.settings_key_id, "--dry-run")
    shell.run_all(START, RUN)
    shell.run("--revoke", shell.settings_key_id, "--dry-run")
    shell.run()
    shell.wait(301)
    shell.run("--revoke", shell.settings_key_id, "--dry-run")
    KeyPair.objects.filter(status="active").update(retirement_seconds=30 * DAY + 240)
    shell.run("--revoke", shell.settings_key_id, "--no-input", "--reason", "leaked")
    shell.run("--revoke", shell.settings_key_id)
    shell.run("--revoke", "K0", "--no-input")
    site.AWS_CLOUDFRONT_BY_HAND = True
    shell.run("--revoke", str(KeyPair.objects.get(status="active")), "--no-input")
    shell.run()

    assert_golden("cfsigned-rotate-revocation", plain(shell.text))
    assert not KeyPair.objects.filter(status="active").exists()
    assert KeyPair.objects.filter(reason="leaked").count() == 1


# Reports


def test_json_has_its_shape(shell: Shell) -> None:
    """Machines get what docs/reference/commands.md says, with moments in UTC."""
    shell.imported()
    shell.wait(60)
    shell.trusted(good_for=0)

    ran = shell.run("--json")

    report = ran.report
    assert list(report) == ["key_group_id", "did", "blockers", "keys", "notes"]
    assert (ran.code, report["key_group_id"], report["did"]) == (75, shell.key_group_id, None)
    (blocker,), (newest, oldest) = report["blockers"], report["keys"]
    assert list(blocker) == ["what", "until"]
    assert blocker["until"] == "2026-05-04T12:06:00Z"
    assert list(newest) == ["key_pair_id", "status", "algorithm", "since"]
    assert (newest["status"], oldest["status"]) == ("trusted", "active")
    assert ran.err == ""


def test_times_have_their_zone(shell: Shell, settings: Any) -> None:
    """The list says in which time zone the times are."""
    settings.TIME_ZONE = "Asia/Seoul"

    assert "21:00:01 KST (Asia/Seoul)" in shell.run("--dry-run").out


@pytest.mark.parametrize("name", [each.name for each in pkgutil.iter_modules(commands.__path__)])
def test_command_runs_without_translations(name: str) -> None:
    """No command speaks the language of the site: half of what it says would not be in it."""
    handle = load_command_class("cfsigned_django", name).handle

    assert handle.__code__.co_qualname.startswith("no_translations.")


# What a terminal obeys

HOSTILE = "\x1b[2J\x07\x9b1m\u202e\nK1 is revoked"


def is_harmless(text: str) -> bool:
    """Return whether a terminal obeys nothing in a text, and no line of it is forged."""
    is_forged = any(line.startswith("K1 is revoked") for line in text.splitlines())
    return not is_forged and all(each.isprintable() or each == "\n" for each in text)


@pytest.mark.parametrize(
    "arguments",
    [
        RUN,
        ("--dry-run",),
        START,
        (*START, "--json"),
        ("--revoke", "K0", "--no-input"),
        ("--revoke", "K0", "--json"),
    ],
    ids=" ".join,
)
def test_hostile_row(shell: Shell, caplog: pytest.LogCaptureFixture, arguments: list[str]) -> None:
    """Print and log no control character of a row: not as text, as JSON, nor in an error."""
    shell.run_all(*TRUSTED)
    for number, row in enumerate(KeyPair.objects.all()):
        change(row, key_pair_id=f"K{number}2{HOSTILE}")
    active, successor = (KeyPair.objects.get(status=each) for each in ("active", "trusted"))
    change(successor, encrypted_private_key=active.encrypted_private_key)

    ran = shell.run(*arguments)

    logged = [each.getMessage() for each in caplog.records if each.name.endswith("rotation")]
    assert [each for each in (ran.out, ran.err, *logged) if not is_harmless(each)] == []
    assert [each for each in logged if "\n" in each] == []
    assert any("\\u001b[2J" in each for each in (ran.out, ran.err, *logged))


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_hostile_answer(
    shell: Shell, caplog: pytest.LogCaptureFixture, options: tuple[str, ...]
) -> None:
    """Print and log no control character of what AWS answers."""
    shell.run_all(*TRUSTED)
    shell.failure = refusal("InvalidArgument", "GetKeyGroup", f"theirs{HOSTILE}")
    shell.failure.response["Error"]["Code"] = f"NoSuchCode{HOSTILE}"

    ran = [
        shell.run(*options),
        shell.run("--revoke", shell.settings_key_id, "--no-input", *options),
    ]

    logged = [each.getMessage() for each in caplog.records if each.name.endswith("rotation")]
    assert [each.code for each in ran] == [1, 1]
    assert [each for run in ran for each in (run.out, run.err) if not is_harmless(each)] == []
    assert [each for each in logged if not is_harmless(each)] == []
    assert all("theirs\\u001b[2J" in each.err for each in ran)


# What begins a rotation


def test_old_key_is_replaced(shell: Shell) -> None:
    """--max-age starts a rotation if the key has signed for longer."""
    shell.run_all(IMPORT, RUN)
    KeyPair.objects.update(created_at=shell.now.replace(year=2025))
    shell.run("--max-age", "90d")
    assert not KeyPair.objects.filter(next_in=shell.key_group_id).exists()
    shell.wait(90 * DAY + 60)

    ran = shell.run("--max-age", "90d", "--reason", "old")

    successor = KeyPair.objects.get(next_in=shell.key_group_id)
    assert (successor.status, successor.reason) == ("pending", "old")
    assert (successor.changed_by, ran.code) == ("cfsigned_rotate", 0)


@pytest.mark.parametrize(
    ("key_pair_id", "option"),
    [(None, "--import"), (SIGNER_ID, "remove the signer")],
    ids=["of the settings", "of a trusted signer"],
)
def test_age_of_the_settings_key_is_unknown(
    shell: Shell, site: Any, key_pair_id: str | None, option: str
) -> None:
    """As long as the settings' key signs, --max-age names what to do and begins nothing."""
    site.AWS_CLOUDFRONT_KEY_ID = key_pair_id or shell.settings_key_id

    ran = shell.run("--max-age", "90d", "--json")

    assert (ran.code, ran.report["blockers"], ran.report["did"]) == (0, [], None)
    (note,) = ran.report["notes"]
    assert site.AWS_CLOUDFRONT_KEY_ID in note
    assert option in note
    assert not KeyPair.objects.exists()


def test_site_without_any_key_begins(shell: Shell, settings: Any) -> None:
    """If there is no key, --max-age makes the first one."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    assert shell.run("--max-age", "90d").code == 0
    assert KeyPair.objects.get().status == "pending"


# What goes wrong

THROTTLED = {"failure": refusal("Throttling", "ListPublicKeys")}
FORBIDDEN = {"failure": refusal("AccessDenied", "GetKeyGroup")}
KEYLESS = {"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}
#: Signed by a trusted signer, whose key pair is in no key group.
BY_ACCOUNT = {"AWS_CLOUDFRONT_KEY_ID": SIGNER_ID}
NOT_ENCRYPTED = {"AWS_CLOUDFRONT_ENCRYPTION_KEYS": ["none"]}
RSA_START = (*START, "--algorithm", "RSA_2048")


@pytest.mark.parametrize(
    ("before", "problem", "arguments", "code", "named"),
    [
        (STARTED, THROTTLED, RUN, 75, ""),
        (STARTED, {"failure": Claimed()}, RUN, 75, ""),
        ((), KEYLESS, RUN, 75, "--start"),
        (STARTED, FORBIDDEN, RUN, 1, "cloudfront:GetKeyGroup"),
        (TRUSTED, {"answer": ProbeResult.UNRESTRICTED}, RUN, 1, "Restrict viewer access"),
        (STARTED, {}, RSA_START, 1, "Revoke it first"),
        ((), {}, (*START, "--reason", "x" * (REASON_LENGTH + 1)), 1, "Shorten the reason"),
        ((), KEYLESS, IMPORT, 1, "AWS_CLOUDFRONT_KEY_ID"),
        ((), NOT_ENCRYPTED, IMPORT, 1, "AWS_CLOUDFRONT_ENCRYPTION_KEYS"),
        ((), BY_ACCOUNT, IMPORT, 1, "remove the signer"),
        ((), BY_ACCOUNT, ("--revoke", SIGNER_ID, "--no-input"), 1, "remove the signer"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_done(
    shell: Shell,
    site: Any,
    before: Sequence[Sequence[str]],
    problem: dict[str, Any],
    arguments: Sequence[str],
    code: int,
    named: str,
) -> None:
    """A problem that passes is "not yet" in the report; one that stays fails and says what to do.

    Neither changes anything, and a dry run of an import is refused in the same words.
    """
    shell.run_all(*before)
    for name, value in problem.items():
        setattr(site if name.isupper() else shell, name, value)
    rows = list(KeyPair.objects.values_list("status", flat=True))

    ran = shell.run("--json", *arguments)

    assert (ran.code, list(KeyPair.objects.values_list("status", flat=True))) == (code, rows)
    if code == 75:
        (blocker,) = ran.report["blockers"]
        assert ran.err == ""
        assert named in blocker["what"]
    else:
        assert ran.out == ""
        assert named in ran.err
        assert problem is not BY_ACCOUNT or "--import" not in ran.err
        assert arguments != IMPORT or shell.run(*arguments, "--dry-run").err == ran.err


@pytest.mark.parametrize("error", [OperationalError, DataError, ProgrammingError])
def test_database_that_fails_is_told(shell: Shell, error: type[Error]) -> None:
    """A database that fails ends the run in words, without what it said, and with a next step."""

    def fail(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT"):
            raise error("secret host")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        ran = shell.run("--start")

    assert (ran.code, error.__name__ in ran.err) == (1, True)
    assert "secret host" not in ran.err
    assert "migrate" in ran.err


def test_key_that_never_works_is_a_failure_at_last(shell: Shell) -> None:
    """The exit code is 75 as long as there is something to wait for, then 1, with the report."""
    shell.answer = ProbeResult.UNKNOWN_KEY
    assert shell.run_all(*TRUSTED, RUN) == [0, 0, 0, 75]
    shell.wait(3 * DAY + 300)

    ran = shell.run("--json")

    assert (ran.code, len(ran.report["blockers"])) == (1, 1)
    assert "AWS_S3_CUSTOM_DOMAIN" in ran.err
    assert shell.run_all(("--dry-run",), ("--wait",)) == [0, 1]
    shell.failure = THROTTLED["failure"]  # AWS fails "for a moment", for days
    assert shell.run().code == 1


def test_signing_key_that_cannot_be_decrypted(shell: Shell, settings: Any) -> None:
    """A run fails and names the setting until another key signs, also while one waits to."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [ENCRYPTION_KEY]
    active = shell.imported()
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    ran = shell.run("--json")
    rested = [shell.run("--max-age", "90d"), shell.run("--dry-run")]

    assert (ran.code, [each.code for each in rested]) == (1, [1, 0])
    (blocker,) = ran.report["blockers"]
    for text in (ran.err, blocker["what"], *(each.out for each in rested)):
        assert f"{active}, the ACTIVE key pair, cannot sign" in text
        assert "AWS_CLOUDFRONT_ENCRYPTION_KEYS" in text
        assert "cfsigned_rotate --start" in text
        assert "nothing to do" not in text
    assert shell.run_all(START, RUN, RUN) == [0, 0, 1]
    shell.wait(301)
    assert "signs from now on" in shell.run().out
    assert shell.run().code == 75  # the previous key waits for its last link


# --wait


def test_wait_goes_on_to_the_end(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """--wait looks often, does every step, says each thing once, and comes to the end."""
    steps = iter([2] * 20)
    monkeypatch.setattr("time.sleep", lambda seconds: shell.wait(next(steps, 8 * DAY)))
    shell.run_all(IMPORT)

    ran = shell.run("--start", "--wait")

    assert (ran.code, sorted(KeyPair.objects.values_list("status", flat=True))) == (
        0,
        ["active", "retired"],
    )
    assert_golden("cfsigned-rotate-wait", plain(shell.text))
    assert shell.run("--start", "--wait", "--json").err == ""


def test_wait_goes_on_after_failures(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """--wait repeats what AWS refuses for a moment: the request itself, and a removal."""

    def pause(seconds: float) -> None:
        shell.failure = None
        shell.wait(60)

    monkeypatch.setattr("time.sleep", pause)
    shell.run_all(*STARTED)
    shell.failure = THROTTLED["failure"]

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input", "--wait")

    assert ran.code == 0
    assert shell.settings_key_id not in shell.members
    assert KeyPair.objects.get(key_pair_id=shell.settings_key_id).removed_at is not None


@pytest.mark.parametrize("activated", [False, True], ids=["before it signs", "after"])
def test_interrupted_wait(shell: Shell, activated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends --wait in one line, with 130 and what to run: never a second --start."""
    shell.imported()

    def pause(seconds: float) -> None:
        if activated and not KeyPair.objects.filter(status="retiring").exists():
            return shell.wait(301)
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", pause)
    _, errors, code = run_as_program("cfsigned_rotate", "--start", "--wait")

    *_, line = errors.splitlines()
    named = "manage.py cfsigned_rotate --wait" if activated else "the same command"
    assert (code, named in line, "Traceback" in errors) == (130, True, False)
    again = ("--wait",) if activated else ("--start", "--wait")
    monkeypatch.setattr("time.sleep", lambda seconds: shell.wait(8 * DAY))
    assert shell.run(*again).code == 0
    assert sorted(KeyPair.objects.values_list("status", flat=True)) == ["active", "retired"]


def test_interrupted_call(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C during a call to CloudFront, the step can be repeated at once."""
    shell.run_all(*STARTED)

    def interrupt(**arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shell.account.api, "create_public_key", interrupt)
        assert run_as_program("cfsigned_rotate")[2] == 130
    shell.wait(SETTLE.total_seconds())

    assert shell.run().code == 0
    assert KeyPair.objects.filter(status="trusted").exists()


# --revoke


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (["yes", "ID"], 0),
        (["no"], 0),
        ([""], 0),
        (["yes", "K0"], 1),
        ([KeyboardInterrupt], 130),
        (["yes", KeyboardInterrupt], 130),
        ([EOFError], 1),
    ],
    ids=str,
)
def test_revocation_asks_twice(
    shell: Shell, answers: list[Any], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a yes the id is asked for, after a no nothing; another id is an error, so is Ctrl-C.

    So is nobody who answers. What is asked is not within the JSON.
    """
    shell.imported()
    left = iter(answers)

    def answer() -> str:
        if isinstance(given := next(left), type):
            raise given
        return str(given).replace("ID", shell.settings_key_id)

    monkeypatch.setattr("builtins.input", answer)
    ran = run_as_program("cfsigned_rotate", "--json", "--revoke", shell.settings_key_id)

    status = KeyPair.objects.get(key_pair_id=shell.settings_key_id).status
    assert (ran.code, status) == (code, "revoked" if answers[-1] == "ID" else "active")
    assert list(left) == []
    assert ran.err.rstrip().endswith("run the same command again.") is (code == 130)
    assert ("--yes" in ran.err) is (EOFError in answers)
    assert "Traceback" not in ran.err
    assert not ran.out or ran.report["did"]


@pytest.mark.parametrize("name", ["shown", "fingerprint", "uuid"])
def test_key_without_an_id_is_revoked(shell: Shell, name: str) -> None:
    """A key that CloudFront never had is named as the list shows it, or by its uuid."""
    shell.run_all(*STARTED)
    row = KeyPair.objects.get(status="pending")
    names = {"shown": str(row), "fingerprint": row.fingerprint[:12], "uuid": str(row.pk)}
    assert str(row) in shell.run("--dry-run").out

    ran = shell.run("--revoke", names[name], "--yes")

    row.refresh_from_db()
    assert (ran.code, row.status) == (0, "revoked")
    assert row.reason == KnownReason.REVOKED_BY_COMMAND


@pytest.mark.parametrize(
    ("problem", "code", "status"), [(THROTTLED, 75, "active"), (FORBIDDEN, 1, "revoked")]
)
def test_revocation_that_is_not_finished(
    shell: Shell, problem: dict[str, Exception], code: int, status: str
) -> None:
    """While AWS fails for a moment nothing is revoked; if for good, the key signs no longer."""
    shell.imported()
    shell.failure = problem["failure"]

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input")

    row = KeyPair.objects.get(key_pair_id=shell.settings_key_id)
    assert (ran.code, row.status, row.removed_at) == (code, status, None)
    assert shell.settings_key_id in (ran.out if code == 75 else ran.err)


# Encryption keys, AWS's sign-in


ENCRYPTION_KEY = Fernet.generate_key().decode()


def test_previous_key_is_noted(shell: Shell, settings: Any) -> None:
    """Each run names the keys, of all key groups, for which a previous key must stay."""
    shell.imported()
    shell.activated()
    KeyPair.objects.filter(status="retiring").update(key_group_id="another")
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [ENCRYPTION_KEY]

    [note] = shell.run("--json").report["notes"]

    assert all(str(each) in note for each in KeyPair.objects.all())
    assert "--start" in note
    shell.run("--start")
    [note] = shell.run("--json").report["notes"]
    assert "--start" not in note


def test_start_replaces_what_nothing_proves(shell: Shell, settings: Any) -> None:
    """A PENDING key that only SECRET_KEY decrypts, a forger's perhaps, fails each run.

    It gets nothing into CloudFront, and no claim delays the --start that makes another one.
    """
    shell.run_all(*STARTED)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [ENCRYPTION_KEY]
    pending = KeyPair.objects.get(status="pending")

    refused = shell.run()
    pending.refresh_from_db()
    assert (pending.claimed_until, shell.public_keys) == (None, {shell.settings_key_id})
    settings.AWS_CLOUDFRONT_BY_HAND = True
    calls = len(shell.calls)
    by_hand = shell.run()
    assert len(shell.calls) == calls
    would = shell.run(*RSA_START, "--dry-run")

    assert (refused.code, "--start" in refused.err) == (1, True)
    assert (by_hand.code, "--start" in by_hand.out, "enter" in by_hand.out) == (1, True, False)
    (line,) = (each for each in would.out.splitlines() if "Would be done" in each)
    assert str(pending) in line
    assert shell.run(*RSA_START).code == 0
    assert KeyPair.objects.get(status="pending").algorithm == "RSA_2048"
    assert "Would be done" not in shell.run(*RSA_START, "--dry-run").out


KEYS = {
    "AWS_S3_ACCESS_KEY_ID": "AKIAOFATEST",
    "AWS_S3_SECRET_ACCESS_KEY": "hush",
    "AWS_SESSION_TOKEN": "token",
}


@pytest.mark.parametrize(
    ("named", "access"),
    [
        (
            KEYS,
            {
                "aws_access_key_id": "AKIAOFATEST",
                "aws_secret_access_key": "hush",
                "aws_session_token": "token",
            },
        ),
        ({"AWS_S3_SESSION_PROFILE": "a profile"}, {"profile_name": "a profile"}),
    ],
    ids=["keys", "profile"],
)
def test_settings_sign_in_to_aws(
    shell: Shell, settings: Any, named: dict[str, str], access: dict[str, str]
) -> None:
    """django-storages' settings are used for CloudFront, by each run that calls it."""
    for name, value in named.items():
        setattr(settings, name, value)

    shell.run_all(*STARTED)
    assert shell.clients == []
    shell.run_all(RUN, RUN)

    assert shell.clients == [access, access]
    assert "hush" not in shell.text
