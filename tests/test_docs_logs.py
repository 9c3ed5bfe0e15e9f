"""Run what the page about logs shows: settings, mails, gunicorn, nginx, Sentry, an old log."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.encoding import iri_to_uri
from django.utils.log import AdminEmailHandler

from cfsigned_django.logs import RedactSignatures, redact
from tests.background import PATIENCE, free_port, listens, plain_environment, running, wait_until
from tests.pages import HOW_TO, ROOT, site_of, snippets
from tests.test_logs import CANNED, COOKIES, EVENT, MARK, SIGNATURE, URL

PAGE = HOW_TO / "logs.md"
QUERY = CANNED.partition("?")[2]
REFERRER = iri_to_uri(URL)
COOKIE = "; ".join(f"{name}={value}" for name, value in COOKIES.items())


def block(language: str, word: str) -> str:
    """Return the code of the block of the page that has a word."""
    shown = [each.code for each in snippets(PAGE) if each.language == language]
    (found,) = (each for each in shown if word in each)
    return found


def run(code: str) -> dict[str, Any]:
    """Return what a block of Python defines."""
    names: dict[str, Any] = {}
    exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102 - our own pages
    return names


def test_whole_lines() -> None:
    """The formatter redacts also what a filter leaves: fields, and messages that are mappings."""
    formatter = run(block("python", "RedactedLines"))["RedactedLines"]("%(message)s %(url)s")
    record = logging.makeLogRecord({"msg": {"cookies": COOKIES}, "url": URL})
    kept: Any = RedactSignatures().filter(record)

    assert kept.msg == {"cookies": COOKIES}
    line = formatter.format(kept)
    assert MARK not in line
    assert line.count("(hidden)") == 4


def ask(port: int) -> None:
    """Request a signed URL from a page that has another one, as a browser does."""
    headers = {"Referer": REFERRER, "User-Agent": "test"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/a.jpg?{QUERY}", headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE):
        pass


def test_settings() -> None:
    """Under the LOGGING of the page, what any logger says is written without signatures."""
    code = f"{block('python', 'LOGGING')}\nimport logging.config\n"
    code += "logging.config.dictConfig(LOGGING)\n"
    code += f"logging.getLogger('a.b').info('%s opened', {REFERRER!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == f"{redact(REFERRER)} opened\n"


def test_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail to the admins has no signature, of the request or of the error, and no HTML."""
    sent: dict[str, Any] = {}
    monkeypatch.setattr(
        AdminEmailHandler,
        "send_mail",
        lambda self, subject, text, **named: sent.update(subject=subject, message=text, **named),
    )
    with site_of(PAGE) as names:
        handler = names["RedactedEmails"](include_html=True)
    try:
        raise OSError(URL)
    except OSError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "%s", (URL,), sys.exc_info())
    query = QUERY.replace(SIGNATURE, SIGNATURE * 4)  # as long as a real one
    record.request = RequestFactory().get(f"/a?{query}", headers={"Cookie": COOKIE})
    handler.handle(record)

    assert sent["subject"].endswith(redact(URL))
    assert redact(f"OSError at /a\n{URL}") in sent["message"]
    assert "\nSignature = '(hidden)'\nKey-Pair-Id = " in sent["message"]
    assert MARK not in str(sent)
    assert "html_message" not in sent


def test_gunicorn(tmp_path: Path) -> None:
    """With the file of the page, gunicorn writes each request once, without its signatures."""
    (tmp_path / "gunicorn.conf.py").write_text(block("python", "logconfig_dict"))
    (tmp_path / "app.py").write_text(
        "def application(environ, respond):\n    respond('200 OK', [])\n    return [b'']\n"
    )
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "app", "--bind", f"127.0.0.1:{port}"]
    with running(
        [*command, "--no-control-socket"],
        is_ready=lambda: listens(port),
        log=log,
        folder=tmp_path,
        environment={**plain_environment(), "PYTHONPATH": str(ROOT)},
    ):
        ask(port)
        wait_until(lambda: "/a.jpg" in log.read_text(), "a line of the access log")
    written = log.read_text()
    assert MARK not in written
    assert written.count(redact(f'"GET /a.jpg?{QUERY} HTTP/1.1" 200')) == 1
    assert "Policy=(hidden)" in written


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx(tmp_path: Path) -> None:
    """With the block of the page, nginx writes path and referrer without their queries."""
    port, log = free_port(), tmp_path / "access.log"
    shown = block("nginx", "log_format").replace("/var/log/nginx/access.log", str(log))
    temporary = "".join(
        f"{each}_temp_path {tmp_path}/{each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ {temporary} {shown}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }} }}\n"
    )
    with running(
        ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "nginx.conf")],
        is_ready=lambda: listens(port),
        log=tmp_path / "log",
        folder=tmp_path,
    ):
        ask(port)
        wait_until(lambda: log.exists() and log.read_text(), "a line of the access log")
    (line,) = log.read_text().splitlines()
    referrer = REFERRER.partition("?")[0]
    assert line.endswith(f'"GET /a.jpg HTTP/1.1" 200 0 "{referrer}" "test"')


def test_sentry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both hooks of the page take the values of an event away, and nothing else."""
    given: dict[str, Any] = {}
    stub = SimpleNamespace(init=lambda **options: given.update(options))
    monkeypatch.setitem(sys.modules, "sentry_sdk", stub)
    run(block("python", "sentry_sdk"))
    assert {*given} == {"before_send", "before_send_transaction"}
    for hook in given.values():
        sent = hook(EVENT, {})
        assert MARK not in json.dumps(sent)
        assert json.dumps(sent) == redact(json.dumps(EVENT))


def test_log_that_exists(tmp_path: Path) -> None:
    """The command of the page writes a redacted copy."""
    (tmp_path / "access.log").write_text(f"{URL}\n{CANNED}\n", "utf-8")
    (command,) = (each.code for each in snippets(PAGE) if each.language == "console")
    shown = command.removeprefix("$ ").replace("\n> ", "\n")
    bin = shlex.quote(str(Path(sys.executable).parent))
    environment = {**plain_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    subprocess.run(
        ["sh", "-c", f"PATH={bin}:$PATH; {shown}"], cwd=tmp_path, env=environment, check=True
    )
    assert (tmp_path / "redacted.log").read_text("utf-8") == redact(f"{URL}\n{CANNED}\n")
