"""Run each case of the benchmarks at a small scale: what is compared is the same work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import __main__ as program, breakdown, javascript, page
from benchmarks.contenders import BARE_ECDSA, BARE_RSA, signing_turns
from benchmarks.keys import HIT, OURS_ECDSA, RESOURCE, REUSE, THEIRS, Keys, names_of_round
from benchmarks.pages import lists, pages
from benchmarks.sizes import measure_sizes
from benchmarks.targets import TARGETS
from tests.pages import read

utcnow = pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning")


@utcnow
def test_contenders_sign_the_same() -> None:
    """Give django-storages and this package the same key, domain and name."""
    turns = {each.title: each for each in signing_turns(Keys(), names=3)}
    (name, *_) = names = turns[THEIRS].items(0)
    assert len({*names, *turns[THEIRS].items(1)}) == 6
    assert all(
        list(each.items(0))[:3] == names for each in turns.values() if "alone" not in each.title
    )
    urls = {title: str(each.work(name)) for title, each in turns.items() if "alone" not in title}
    on_cloudfront = {url.partition("?")[0] for url in urls.values() if "cloudfront" in url}
    assert on_cloudfront == {f"https://d111111abcdef8.cloudfront.net/{name}"}
    assert len(turns[BARE_RSA].work(turns[BARE_RSA].items(0)[0])) == 256  # type: ignore[arg-type]
    assert turns[BARE_ECDSA].work(turns[BARE_ECDSA].items(0)[0])
    known = turns[HIT]
    assert known.work(name) == known.work(name)
    assert known.items(0) == known.items(1)
    assert "Policy=" in urls[REUSE]
    assert "Hash-Algorithm=SHA256" in urls[OURS_ECDSA]


@utcnow
def test_answers_hold_all_images() -> None:
    """Render each name once, with a signature, in the page and in the list."""
    names, made = names_of_round(0, 5), Keys()
    for answers in (pages(made), lists(made)):
        for title, answer in answers.items():
            text = answer(names).decode()
            assert text.count("Signature=") == 5
            assert all(name in text for name in names)
            signatures = set(re.findall(r"Signature=([\w~-]+)", text))
            assert len(signatures) == (1 if title == REUSE else 5)
    assert RESOURCE == "albums/*"


@utcnow
def test_sizes() -> None:
    """Count the bytes of the same links, with and without compression."""
    sizes = measure_sizes(Keys(), links=20)
    assert sizes[REUSE].compressed < sizes[THEIRS].compressed
    assert sizes[OURS_ECDSA].url < sizes[THEIRS].url
    assert sizes[THEIRS].page > 20 * sizes[THEIRS].url


def test_missing_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say why AWS's signer for JavaScript does not take part."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert javascript.why_not() == "needs node and npm"
    assert javascript.versions() == {}
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(javascript, "PACKAGE", Path("nowhere"))
    assert "make bench installs" in str(javascript.why_not())


@utcnow
def test_smoke_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Run every case once at a small scale, print a row for each, and write nothing."""
    before = read(page.PAGE), read(page.PLOT)
    assert program.main(["--rounds", "2", "--names", "4", "--no-write"]) in (0, 1)
    printed = capsys.readouterr().out
    assert (read(page.PAGE), read(page.PLOT)) == before
    for target in TARGETS:
        assert re.search(f"^{re.escape(target.case)} .*{re.escape(target.than)} ", printed, re.M)
    for case in ("2 processes", "16 threads", "JavaScript", "with gzip", "remembered URLs", "JSON"):
        assert case in printed


def test_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """Say what one URL calls, without a path of this machine."""
    assert breakdown.main(["--rounds", "2", "--names", "3", "--no-write"]) == 0
    printed = capsys.readouterr().out
    assert "RSAPrivateKey.sign" in printed
    assert "RSA, now" in printed
    assert str(page.DOCS.parent) not in printed
