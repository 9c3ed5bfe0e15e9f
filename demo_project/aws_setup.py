"""Set the demo's AWS side up by `manage.py cfsigned_setup`, as one does in an account of AWS.

On the first start it plans and applies everything: public key, key group, bucket, origin access
control, policies, distribution. From then on it leaves alone what is there: the key group belongs
to whoever rotates keys. It runs again where the emulator has lost something (its folder was
emptied), and where the site has moved to another port, which the bucket's CORS rule names.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from cfsigned_django.aws.account import read_distribution
from cfsigned_django.aws.client import AwsError, make_client
from cfsigned_django.aws.key_groups import KeyGroups
from demo_project.local_aws import USER_VARIABLE
from demo_project.processes import DemoFailed, environment
from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, DemoState

_WORDS: Final = {"done": "done", "todo": "to do", "conflict": "conflict"}
_WIDTH: Final = 95
_INDENT: Final = " " * 10
_LOST: Final = frozenset({"NoSuchResource", "NoSuchDistribution"})


def set_up_aws(state: DemoState, tell: Callable[[str], object]) -> DemoState:
    """Make what is missing; return the state with the ids. `tell` gets the plan, line by line.

    What a start that was killed had made is found again. Raise DemoFailed with what went wrong.
    """
    try:
        lost = _lost(state)
    except AwsError as error:
        log = state.logs / "aws.log"
        raise DemoFailed(f"CloudFront's API could not be asked. {error}", log) from error
    if not lost and state.cors_origin == state.address("site"):
        tell(f"as it was left: {_summary(state)}")
        return state
    # The settings must not name what is not there: cfsigned_setup would not make another.
    state = replace(
        state,
        key_group_id="" if "key_group_id" in lost else state.key_group_id,
        distribution_id="" if "distribution_id" in lost else state.distribution_id,
    )
    state.save()
    tell(f"$ manage.py {' '.join(_arguments(state))}")
    _tell_plan(state, tell)
    made = json.loads(_run(state, "--apply", "--yes", "--json"))["settings"]
    prepared = replace(
        state,
        cors_origin=state.address("site"),
        distribution_id=made["AWS_CLOUDFRONT_DISTRIBUTION_ID"],
        key_group_id=made["AWS_CLOUDFRONT_KEY_GROUP_ID"],
        # A key that was imported into the database is no longer the settings' affair.
        key_pair_id=made.get("AWS_CLOUDFRONT_KEY_ID", state.key_pair_id),
    )
    prepared.save()
    tell(f"applied: {_summary(prepared)}")
    return prepared


def _tell_plan(state: DemoState, tell: Callable[[str], object]) -> None:
    """Tell each step with its call; the documents, which take pages, go into a file."""
    for step in json.loads(_run(state, "--json"))["steps"]:
        line = f"{_WORDS[step['state']]:<9} {step['name']}: {step['why']}"
        for part in textwrap.wrap(line, _WIDTH, subsequent_indent=_INDENT):
            tell(part)
        if step["call"]:
            tell(f"{_INDENT}{step['call']}")
    plan = state.logs / "plan.txt"
    plan.write_text(_run(state), encoding="utf-8")
    tell("The plan as the command prints it, with each document that is sent:")
    tell(str(plan))


def _summary(state: DemoState) -> str:
    return f"distribution {state.distribution_id}, key group {state.key_group_id}"


def _arguments(state: DemoState) -> tuple[str, ...]:
    """Return the command by which the demo sets itself up, as one types it behind manage.py."""
    arguments = ("--cors-origin", state.address("site"), "--downloads")
    return ("cfsigned_setup", *(() if state.distribution_id else ("--create",)), *arguments)


def _lost(state: DemoState) -> tuple[str, ...]:
    """Return which ids of the state stand for nothing in the emulator (yet, or any more)."""
    client = make_client(
        "cloudfront",
        endpoint_url=state.address("s3"),
        access_key=state.root.access_key_id,
        secret_key=state.root.secret_access_key,
    )
    looks: Mapping[str, Callable[[str], object]] = {
        "key_group_id": KeyGroups(client).members,
        "distribution_id": lambda name: read_distribution(client, name),
    }
    return tuple(name for name, look in looks.items() if not _is_there(look, getattr(state, name)))


def _is_there(look: Callable[[str], object], name: str) -> bool:
    if not name:
        return False
    try:
        look(name)
    except AwsError as error:
        if error.code in _LOST:
            return False
        raise
    return True


def _run(state: DemoState, *arguments: str) -> str:
    """Run cfsigned_setup as the user who may set AWS up; return what it prints."""
    log = state.logs / "setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [*_arguments(state), *arguments]
    with log.open("w") as errors:
        done = subprocess.run(
            [sys.executable, str(BASE_FOLDER / "manage.py"), *command],
            cwd=BASE_FOLDER,
            env=environment(
                DJANGO_SETTINGS_MODULE="demo_project.settings",
                **{FOLDER_VARIABLE: str(state.folder), USER_VARIABLE: "setup"},
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
    if done.returncode:
        with log.open("a") as whole:
            whole.write(done.stdout)  # where --json says which proof failed
        raise DemoFailed(f"manage.py {' '.join(command)} failed ({done.returncode}).", log)
    return done.stdout
