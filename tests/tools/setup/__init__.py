"""Run cfsigned_setup as a person and as a machine would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from tests.aws.failing import Failing

PAGE = "https://a.example.com"
APPLY = ("--create", "--apply", "--yes")


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    try:
        call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    except SystemExit as end:
        if end.code != 75:  # all that is missing is an answer or time
            raise
    return output.getvalue()


def report(*arguments: str) -> Any:
    """Return the JSON that the command prints."""
    return json.loads(run(*arguments, "--json"))


def failing_report(*arguments: str) -> Any:
    """Return the JSON of a command that exits with 1."""
    output = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("cfsigned_setup", *arguments, "--json", stdout=output, stderr=StringIO())
    assert caught.value.code == 1
    return json.loads(output.getvalue())


def states(found: Any) -> dict[str, str]:
    """Return the state of each step of a report."""
    return {each["name"]: each["state"] for each in found["steps"]}


def proof(found: Any) -> dict[str, str]:
    """Return the level of each finding of a report's proof."""
    return {each["id"]: each["level"] for each in found["proof"]}


def let_fail(
    patch: pytest.MonkeyPatch, service: str, call: str, error: Callable[[str], Exception]
) -> None:
    """Make one call of the command fail."""

    make_clients: Callable[..., Clients] = vars(cfsigned_setup)["make_clients"]

    def make(**given: Any) -> Clients:
        made = make_clients(**given)
        broken: Any = Failing(getattr(made, service), error, call)
        return replace(made, **{service: broken})

    patch.setattr(cfsigned_setup, "make_clients", make)
