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

ACCOUNT = "111122223333"


def client(url: str) -> Any:
    """Return a client that knows an account and an endpoint, and nothing else."""
    listed = {"DistributionList": {"Items": [{"Id": "D1"}, {"Id": "D2"}]}}
    return SimpleNamespace(
        meta=SimpleNamespace(endpoint_url=url),
        get_caller_identity=lambda: {"Account": ACCOUNT},
        list_distributions=lambda: listed,
    )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Note each run that begins, and let it do nothing; AWS has one account."""
    runs: list[str] = []

    def go(run: Any, guard: Any) -> bool:
        runs.append(run.record.endpoint)
        return True

    names = ("cloudformation", "cloudfront", "s3", "sts")
    clients = {name: client(f"https://{name}.amazonaws.com") for name in names}
    monkeypatch.setattr(program, "connect", lambda region: Clients(**clients))
    monkeypatch.setattr(program, "go", go)
    monkeypatch.setattr(CleanUp, "run", lambda clean_up: [])
    monkeypatch.setattr("signal.signal", lambda *given: None)
    monkeypatch.chdir(tmp_path)
    return runs


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what lets a person type a line."""
    return lambda text: monkeypatch.setattr("sys.stdin", StringIO(text))


def test_asks_for_the_account_again(
    runs: list[str], types: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Begin only if the credentials, the argument and what is typed agree on the account.

    What is shown before says that others have something there.
    """
    codes = []
    for argument, typed in (
        (ACCOUNT, ""),
        (ACCOUNT, "yes\n"),
        (ACCOUNT, "999999999999\n"),
        ("999999999999", "999999999999\n"),
        ("", f"{ACCOUNT}\n"),
    ):
        types(typed)
        codes.append(program.main(["--account", argument]))
    folders = [*Path().iterdir()]
    types(f"{ACCOUNT}\n")
    done = program.main(["--account", ACCOUNT])

    assert (codes, folders) == ([1] * 5, [])
    assert (done, runs) == (0, [""])
    assert f"Distributions in account {ACCOUNT}: 2." in capsys.readouterr().out


def test_says_that_it_asks_an_emulator(
    runs: list[str],
    types: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Name the endpoint of an emulator; begin nothing if it is that of some services only."""
    aws, other = client("https://sts.amazonaws.com"), client("http://127.0.0.1:4566")
    codes = []
    for cloudformation, cloudfront, s3, sts in (
        (aws, aws, other, aws),
        (other, aws, aws, aws),
        (aws, aws, aws, other),
        (other, other, other, other),
    ):
        clients = Clients(cloudformation=cloudformation, cloudfront=cloudfront, s3=s3, sts=sts)
        monkeypatch.setattr(program, "connect", lambda region, made=clients: made)
        types(f"{ACCOUNT}\n")
        codes.append(program.main(["--account", ACCOUNT]))

    assert (codes, runs) == ([1, 1, 1, 0], ["http://127.0.0.1:4566"])
    assert "say nothing about AWS" in capsys.readouterr().out


def ended(account: str = ACCOUNT, endpoint: str = "") -> Record:
    """Write the record of a run that has ended."""
    record = Record(run="0" * 32, account=account, region="us-east-1", endpoint=endpoint)
    with begun(record, program.path_of(record.run)):
        return record


@pytest.mark.parametrize(
    ("account", "endpoint"), [("999999999999", ""), (ACCOUNT, "http://127.0.0.1:4566")]
)
def test_cleans_up_only_where_it_was(runs: list[str], account: str, endpoint: str) -> None:
    """Refuse the run of another account, and that of an emulator."""
    assert program.main(["--clean", ended(account, endpoint).run]) == 1


@pytest.mark.parametrize("typed", ["", "yes\n", f"{ACCOUNT}\n"])
def test_shows_what_it_will_remove(
    runs: list[str],
    types: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
) -> None:
    """Name all that a run has left, and remove it once the number of the account is typed."""
    cleaned: list[Any] = []
    monkeypatch.setattr(CleanUp, "found", lambda clean_up: ["key-group KG1"])
    monkeypatch.setattr(CleanUp, "run", lambda clean_up: cleaned.append(clean_up))
    types(typed)
    code = program.main(["--clean", ended().run])

    assert (code, len(cleaned)) == ((0, 1) if typed == f"{ACCOUNT}\n" else (1, 0))
    assert "- key-group KG1" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--role", "--kms-key"])
def test_role_and_key_are_of_the_account(
    runs: list[str], types: Callable[[str], None], option: str
) -> None:
    """Begin nothing with a role or a KMS key of another account."""
    types(f"{ACCOUNT}\n")
    arn = "arn:aws:iam::999999999999:role/x"

    assert program.main(["--account", ACCOUNT, option, arn]) == 1
    assert runs == []


def test_stops_if_the_account_changes(
    runs: list[str],
    types: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run a command and remove only while the credentials are those of the account."""

    def go(run: Any, guard: Any) -> None:
        run.set_up()

    accounts = iter((ACCOUNT, "999999999999", "999999999999"))
    make: Any = program.__dict__["connect"]
    clients = make("us-east-1")
    clients.sts.get_caller_identity = lambda: {"Account": next(accounts)}
    monkeypatch.setattr(program, "go", go)
    types(f"{ACCOUNT}\n")

    assert program.main(["--account", ACCOUNT]) == 1
    last = capsys.readouterr().out.rpartition("Removing")[2]
    assert "make acceptance-clean RUN=" in last
    assert "belong to account 999999999999" in last


def test_cleans_up_after_any_failure(
    runs: list[str],
    types: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Remove what was made when a run fails or is interrupted, and say before how to."""
    removed: list[str] = []

    def remove(record: Record, *given: Any) -> list[str]:
        assert f"make acceptance-clean RUN={record.run}" in capsys.readouterr().out
        removed.append(record.account)
        return []

    monkeypatch.setattr(program, "remove", remove)
    for error in (KeyboardInterrupt(), CommandFailed("x"), Refused("x")):
        monkeypatch.setattr(program, "go", _raising(error))
        types(f"{ACCOUNT}\n")
        assert program.main(["--account", ACCOUNT]) == 1
    monkeypatch.setattr(program, "go", _raising(ZeroDivisionError()))
    types(f"{ACCOUNT}\n")
    with pytest.raises(ZeroDivisionError):
        program.main(["--account", ACCOUNT])

    assert removed == [ACCOUNT] * 4


def _raising(error: BaseException) -> Any:
    def go(*given: Any) -> bool:
        raise error

    return go
