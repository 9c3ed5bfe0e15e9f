"""The ledger has whatever may exist, also after a crash in the middle of a line."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acceptance.ledger import BadLedger, Ledger, Resource

RUN = "0" * 32
REFERENCE = "0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f"
MARK = f"acceptance-{RUN}"
AT = datetime(2026, 12, 1, tzinfo=UTC)
GROUP = Resource(number=1, kind="key-group", name=MARK, id="K1", at=AT)
KEY = Resource(
    number=2, kind="public-key", name=f"cfsigned-{REFERENCE}", reference=REFERENCE, at=AT
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return the file of a run that made a key group, and died when it made a key."""
    path = tmp_path / RUN / "ledger.jsonl"
    ledger = Ledger.begin(path, run=RUN, account="111122223333", region="us-east-1", endpoint="")
    ledger.made(ledger.intend("key-group", GROUP.name), "K1")
    ledger.intend("public-key", KEY.name, KEY.reference)
    ledger.close()
    return path


def left(ledger: Ledger) -> list[Resource]:
    """Return all that may still exist, in the order in which it was made."""
    return [replace(each, at=AT) for each in reversed(ledger.left())]


def test_reads_what_was_written(written: Path) -> None:
    """Return the run, the account, and what was made or about to be made."""
    with closing(Ledger.open(written)) as ledger:
        group = ledger.find("key-group", "K1")
        key = ledger.find("public-key", "K1")
        found = left(ledger)

    assert (ledger.run, ledger.account, ledger.endpoint) == (RUN, "111122223333", "")
    assert found == [GROUP, KEY]
    assert (group and group.id, key) == ("K1", None)


def test_cut_off_anywhere(written: Path, tmp_path: Path) -> None:
    """Read a file that ends after any byte, and write on: each whole line counts, no other."""
    whole = written.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(len(whole) + 1):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(whole[:end])
        if end < first:
            with pytest.raises(BadLedger, match="no run"):
                Ledger.open(path)
            continue
        with closing(Ledger.open(path)) as ledger:
            found = left(ledger)
            ledger.intend("key-group", f"later-{MARK}")
        with closing(Ledger.open(path)) as ledger:
            again = left(ledger)

        lines = whole[:end].splitlines(keepends=True)
        intents = [each for each in lines if each.endswith(b"\n") and b'"intent"' in each]
        assert len(found) == len(intents)
        assert [each.name for each in again if each not in found] == [f"later-{MARK}"]


BEGIN = (
    f'{{"event": "begin", "run": "{RUN}", "account": "1", "region": "us-east-1", "endpoint": ""}}\n'
)


@pytest.mark.parametrize(
    "text",
    [
        *("token", '{"a": 1}', '{"a": 1}\n', "[]\n", "123\n", "words\nand more", "\xff\n"),
        '{"event": "begin"}\n',
        BEGIN.replace(f'"{RUN}"', "5"),
        '{"event": "removed", "number": 1}\n',
        f'{BEGIN}{{"event": "removed"}}\n',
        f'{BEGIN}{{"event": "made", "number": 7, "id": "K1"}}\n',
        f'{BEGIN}{{"event": "another"}}\n',
        BEGIN + BEGIN,
    ],
)
def test_leaves_other_files_as_they_are(tmp_path: Path, text: str) -> None:
    """Refuse a file that is not a ledger, and change nothing in it."""
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(BadLedger):
        Ledger.open(path)
    assert path.read_text() == text


def test_removed_is_not_left(written: Path) -> None:
    """Forget what was removed, in this process and in the next."""
    with closing(Ledger.open(written)) as ledger:
        ledger.removed(GROUP)
        ledger.removed(GROUP)  # as after Ctrl-C while it was written
        here = left(ledger)
    with closing(Ledger.open(written)) as ledger:
        there = left(ledger)

    assert here == there == [KEY]


def test_refuses_a_changed_file(written: Path) -> None:
    """Refuse a file with an invalid line in its middle, and say which."""
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join([lines[0], b"{\n", *lines[1:]]))

    with pytest.raises(BadLedger, match="Line 2"):
        Ledger.open(written)


@pytest.mark.parametrize(
    ("kind", "name", "reference"),
    [
        ("stack", "media", ""),
        ("stack", "acceptance-media", RUN),
        ("bucket", "media", ""),
        ("bucket", f"media-prod-{RUN}", ""),
        ("key-group", RUN, ""),
        ("key-group", MARK[:-1], ""),
        ("public-key", "cfsigned-media", "cfsigned-media"),
        ("public-key", "media", REFERENCE),
        ("public-key", f"media-{REFERENCE}", REFERENCE),
    ],
)
def test_names_nothing_else(written: Path, kind: str, name: str, reference: str) -> None:
    """Refuse what does not contain the run, when it is written and when it is read."""
    before = written.read_bytes()
    with closing(Ledger.open(written)) as ledger, pytest.raises(BadLedger, match="did not make it"):
        ledger.intend(kind, name, reference)
    assert written.read_bytes() == before
    event = {"event": "intent", "number": 3, "kind": kind, "name": name, "reference": reference}
    event["at"] = AT.isoformat()
    written.write_bytes(before + json.dumps(event).encode() + b"\n")
    with pytest.raises(BadLedger, match="did not make it"):
        Ledger.open(written)


@pytest.mark.parametrize("run", ["", "media", RUN[:31], f"{RUN}0", RUN.replace("0", "*")])
def test_refuses_another_run(tmp_path: Path, run: str) -> None:
    """Refuse a ledger whose run could be in the name of something else."""
    path = tmp_path / "ledger"
    event = {"event": "begin", "run": run, "account": "1", "region": "us-east-1", "endpoint": ""}
    path.write_text(json.dumps(event) + "\n")
    with pytest.raises(BadLedger):
        Ledger.open(path)


def test_one_process_at_a_time(written: Path) -> None:
    """Refuse a second reader: a clean-up must not take away what a run is using."""
    with closing(Ledger.open(written)), pytest.raises(BadLedger, match="in use"):
        Ledger.open(written)
    Ledger.open(written).close()


def test_never_writes_over_a_ledger(written: Path) -> None:
    """Refuse to begin a run in the file of another."""
    before = written.read_bytes()
    with pytest.raises(FileExistsError):
        Ledger.begin(written, run=RUN, account="1", region="us-east-1", endpoint="")
    assert written.read_bytes() == before
    assert json.loads(before.splitlines()[0])["run"] == RUN
