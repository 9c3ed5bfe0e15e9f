"""When a run begins, and when it does not."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from acceptance import __main__ as program
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import Refused
from acceptance.record import Record, begun
from acceptance.site import CommandFailed

ACCOUNT, OTHER = "111122223333", "999999999999"
EMULATOR = "http://127.0.0.1:4566"
SERVICES = ("cloudformation", "cloudfront", "s3", "sts")
ROLE = f"arn:aws:iam::{OTHER}:role/x"


def clients(*emulated: str, accounts: Callable[[], str] = lambda: ACCOUNT) -> Clients:
    """Return clients that know an account and an endpoint, and nothing else."""
    listed = {"DistributionList": {"Items": [{"Id": "D1"}, {"Id": "D2"}]}}
    return Clients(
        **{
            name: SimpleNamespace(
                meta=SimpleNamespace(
                    endpoint_url=EMULATOR if name in emulated else f"https://{name}.amazonaws.com"
                ),
                get_caller_identity=lambda: {"Account": accounts()},
                list_distributions=lambda: listed,
            )
            for name in SERVICES
        }
    )


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Note each run that begins, and let it do nothing; AWS has one account, and a person it."""
    runs: list[str] = []

    def go(run: Any, guard: Any) -> bool:
        runs.append(run.record.endpoint)
        return True

    monkeypatch.setattr(program, "connect", lambda region: clients())
    monkeypatch.setattr(program, "go", go)
    monkeypatch.setattr(CleanUp, "run", lambda clean_up: [])
    monkeypatch.setattr("signal.signal", lambda *given: None)
    monkeypatch.setattr("sys.stdin", StringIO(f"{ACCOUNT}\n"))
    monkeypatch.chdir(tmp_path)
    return runs


@pytest.mark.parametrize(
    ("arguments", "typed", "emulated", "begins"),
    [
        (["--account", ACCOUNT], ACCOUNT, (), True),
        (["--account", ACCOUNT], "", (), False),
        (["--account", ACCOUNT], "yes", (), False),
        (["--account", ACCOUNT], OTHER, (), False),
        (["--account", OTHER], OTHER, (), False),
        (["--account", ""], ACCOUNT, (), False),
        (["--account", ACCOUNT, "--role", ROLE], ACCOUNT, (), False),
        (["--account", ACCOUNT, "--kms-key", ROLE], ACCOUNT, (), False),
        (["--account", ACCOUNT], ACCOUNT, SERVICES, True),
        *((["--account", ACCOUNT], ACCOUNT, (each,), False) for each in SERVICES),
    ],
)
def test_when_a_run_begins(
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    typed: str,
    emulated: tuple[str, ...],
    begins: bool,
) -> None:
    """Begin only if the credentials, all arguments and what is typed agree on the account.

    What is shown before says that others have something there, and of an emulator, that it is one.
    """
    monkeypatch.setattr(program, "connect", lambda region: clients(*emulated))
    monkeypatch.setattr("sys.stdin", StringIO(f"{typed}\n" if typed else ""))

    assert program.main(arguments) == (0 if begins else 1)
    assert runs == ([EMULATOR if emulated else ""] if begins else [])
    assert bool([*Path().iterdir()]) == begins
    said = capsys.readouterr().out
    assert f"Distributions in account {ACCOUNT}: 2." in said or not begins
    assert ("say nothing about AWS" in said) == (emulated == SERVICES)


@pytest.mark.parametrize(
    ("account", "endpoint", "typed", "removes"),
    [
        (ACCOUNT, "", ACCOUNT, True),
        (ACCOUNT, "", "yes", False),
        (ACCOUNT, EMULATOR, ACCOUNT, False),
        (OTHER, "", OTHER, False),
    ],
)
def test_cleans_up_only_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    account: str,
    endpoint: str,
    typed: str,
    removes: bool,
) -> None:
    """Name all that a run has left there, and remove it once the account's number is typed."""
    record = Record(run="0" * 32, account=account, region="us-east-1", endpoint=endpoint)
    with begun(record, program.path_of(record.run)):
        pass
    cleaned: list[Any] = []
    monkeypatch.setattr(CleanUp, "found", lambda clean_up: ["key-group KG1"])
    monkeypatch.setattr(CleanUp, "run", lambda clean_up: cleaned.append(clean_up))
    monkeypatch.setattr("sys.stdin", StringIO(f"{typed}\n"))

    assert program.main(["--clean", record.run]) == (0 if removes else 1)
    assert len(cleaned) == removes
    assert "- key-group KG1" in capsys.readouterr().out or account == OTHER or endpoint


def test_stops_if_the_account_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run a command and remove only while the credentials are those of the account."""
    accounts = iter((ACCOUNT, OTHER, OTHER))
    changing = clients(accounts=lambda: next(accounts))
    monkeypatch.setattr(program, "connect", lambda region: changing)
    monkeypatch.setattr(program, "go", lambda run, guard: run.set_up())

    assert program.main(["--account", ACCOUNT]) == 1
    last = capsys.readouterr().out.rpartition("Removing")[2]
    assert "make acceptance-clean RUN=" in last
    assert f"belong to account {OTHER}" in last


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), CommandFailed("x"), Refused("x"), ZeroDivisionError()]
)
def test_cleans_up_after_any_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    """Remove what was made when a run fails or is interrupted, and say before how to."""
    removed: list[str] = []

    def go(*given: Any) -> bool:
        raise error

    def remove(record: Record, *given: Any) -> list[str]:
        assert f"make acceptance-clean RUN={record.run}" in capsys.readouterr().out
        removed.append(record.account)
        return []

    monkeypatch.setattr(program, "go", go)
    monkeypatch.setattr(program, "remove", remove)
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            program.main(["--account", ACCOUNT])
    else:
        assert program.main(["--account", ACCOUNT]) == 1
    assert removed == [ACCOUNT]
