"""Fuzz one target: ``python -m fuzz TARGET [OPTION...]``, with options of libFuzzer.

It begins with the seeds in ``fuzz/corpus/TARGET``. ``.cache/fuzz`` keeps what else reached new
code, and the input that broke an invariant: give its path as an option to see it again.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path

import atheris
import django

HERE = Path(__file__).parent
TARGETS = sorted(each.name for each in (HERE / "corpus").iterdir())


def main(name: str = "", *options: str) -> None:
    """Fuzz until an invariant breaks, or the options say to stop."""
    if name not in TARGETS:
        sys.exit(f"usage: python -m fuzz TARGET [OPTION...]; TARGET is one of {', '.join(TARGETS)}")
    found = HERE.parent / ".cache" / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    logging.disable()  # The edge logs each refusal.
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    # Atheris can also look into regular expressions: no, that breaks those of cryptography.
    with atheris.instrument_imports(include=["cfsigned_django"]):
        django.setup()
        check = importlib.import_module(f"fuzz.{name}").check
        check(b"")  # so that what is imported late is measured, too
    if not any(each for each in options if not each.startswith("-")):
        options = (*options, str(found), str(HERE / "corpus" / name))
    flags = [f"-artifact_prefix={found}-", "-max_len=512", "-timeout=300"]
    atheris.Setup(["fuzz", *flags, *options], check)
    atheris.Fuzz()


main(*sys.argv[1:])
