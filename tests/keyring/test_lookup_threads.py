"""Look once for all threads, and keep none of them waiting."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cfsigned_django.keyring import Found
from tests.keyring.lookup import INTERVAL, Process, signer


class TestThreads:
    """What other threads do while one looks."""

    @dataclass(kw_only=True)
    class Slow:
        """A database that answers when the test lets it."""

        process: Process
        begun: threading.Event = field(default_factory=threading.Event)
        go_on: threading.Event = field(default_factory=threading.Event)
        answers: list[str] = field(default_factory=list)

        def __post_init__(self) -> None:
            quick = self.process.keyring._find_active

            def find(*arguments: object) -> Found:
                self.begun.set()
                assert self.go_on.wait(30)
                return quick(*arguments)  # type: ignore[arg-type]

            self.process.keyring._find_active = find

        def ask(self) -> threading.Thread:
            """Let another thread ask what signs."""
            thread = threading.Thread(target=lambda: self.answers.append(self.process.signs()))
            thread.start()
            return thread

    def test_a_look_that_expires(self, process: Process) -> None:
        """Ask again if a look began before expire(): a key may have been revoked meanwhile."""
        process.answer = Found(signer=signer("K1"))
        quick = process.keyring._find_active

        def find(*arguments: object) -> Found:
            found = quick(*arguments)  # type: ignore[arg-type]
            process.answer = Found(signer=signer("K2"))
            process.keyring.expire()
            process.keyring._find_active = quick
            return found

        process.keyring._find_active = find
        process.lease()

        assert process.signs() == "K2"

    def test_nobody_waits_for_a_look(self, process: Process) -> None:
        """Answer other threads at once, with what was known, while one looks."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = Found(signer=signer("K2"))
        process.now += INTERVAL
        slow = self.Slow(process=process)
        looking = slow.ask()
        assert slow.begun.wait(30)

        assert [process.signs() for _ in range(10)] == ["K1"] * 10
        slow.go_on.set()
        looking.join()
        assert slow.answers == ["K2"]
        assert len(process.looks) == 2

    @pytest.mark.parametrize("after", [None, 2 * INTERVAL], ids=["first use", "two intervals"])
    def test_everybody_waits_for_an_answer_that_is_needed(
        self, after: int | None, process: Process
    ) -> None:
        """Let all threads wait for one look where nothing, or nothing fresh, is known."""
        if after is not None:
            process.answer = Found(signer=signer("K1"))
            process.lease()
            process.looks.clear()
            process.now += after
        process.answer = Found(signer=signer("K2"))
        slow = self.Slow(process=process)
        threads = [slow.ask() for _ in range(5)]
        assert slow.begun.wait(30)
        slow.go_on.set()
        for thread in threads:
            thread.join()

        assert slow.answers == ["K2"] * 5
        assert len(process.looks) == 1


FORK = """
import os, threading
from cfsigned_django import keyring
from cfsigned_django.keyring import Found
from cfsigned_django.signing import PrivateKey, Signer

signer = Signer(key_pair_id="K1", private_key=PrivateKey.generate())
begun = threading.Event()

def find(*arguments):
    if threading.current_thread() is not threading.main_thread():
        begun.set()
        threading.Event().wait()  # for good: this thread is lost
    return Found(signer=signer)

keyring.register(find)
ask = lambda: keyring.lease_signer("group", None, None).signer.key_pair_id
threading.Thread(target=ask, daemon=True).start()
begun.wait()
child = os.fork()
if child == 0:
    os.write(1, ask().encode())
    os._exit(0)
os.waitpid(child, 0)
os._exit(0)
"""


def test_a_fork_while_a_thread_looks() -> None:
    """Answer in a child that was forked while a thread of its parent looked."""
    root = Path(__file__).parent.parent.parent
    setup = "from django.conf import settings; settings.configure(SECRET_KEY='x')\n"
    command = [sys.executable, "-W", "ignore", "-c", setup + FORK]

    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.stdout, done.returncode) == ("K1", 0), done.stderr
