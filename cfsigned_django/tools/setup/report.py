"""Format a setup as text for people, and as JSON for machines."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cfsigned_django import conf
from cfsigned_django.signing import KeyAlgorithm
from cfsigned_django.storage.registry import signing_storages, site_storages
from cfsigned_django.tools.account.documents import iam
from cfsigned_django.tools.account.state.facts import Fact, Level
from cfsigned_django.tools.account.state.steps import SetupStep, StepState
from cfsigned_django.tools.doctor.aws import from_fact
from cfsigned_django.tools.doctor.findings import Finding, finding_lines, worst_first

_MARKS: Final = {StepState.DONE: "done", StepState.TODO: "to do", StepState.CONFLICT: "conflict"}
_INDENT: Final = " " * 10
_BACKEND: Final = '{"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}'
_STORAGES: Final = f"""STORAGES = {{
    "default": {_BACKEND},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}"""


#: Options of every command, which change nothing in AWS.
_OF_DJANGO: Final = frozenset(
    {"verbosity", "traceback", "no_color", "force_color", "skip_checks", "json", "iam", "export"}
    | {"stdout", "stderr"}
)
_DEFAULT_ALGORITHM: Final = ("key_algorithm", KeyAlgorithm.ECDSA_P256.value)
#: Exit codes: all is planned or done, or failed; 75 as EX_TEMPFAIL of sysexits.h.
DONE, FAILED, LATER = 0, 1, 75
#: What a later run may find in order: an answer that did not come, or a change on its way.
_MAY_PASS: Final = frozenset(
    {"no-answer", "server-error", "key-not-at-edges", "distribution-deploying"}
)


def exit_code(
    steps: Iterable[SetupStep],
    facts: Iterable[Fact],
    proof: Iterable[Finding],
    *,
    key_waits: bool,
    key_is_new: bool,
) -> int:
    """Return the exit code after a setup was applied.

    ``key_waits`` before it may sign; ``key_is_new`` if this run has added it to the key group.
    """
    found: list[Fact | Finding] = [*facts, *proof]
    may_pass = _MAY_PASS
    if key_waits or key_is_new or any(each.id == "key-not-at-edges" for each in found):
        may_pass |= {"signed-unknown-key"}  # edges may not know the key yet
    errors = {each.id for each in found if each.level is Level.ERROR}
    if errors - may_pass or any(each.state is StepState.CONFLICT for each in steps):
        return FAILED
    is_left = any(each.id in may_pass and each.level is not Level.OK for each in found)
    return LATER if key_waits or is_left else DONE


def command_line(options: Mapping[str, Any]) -> str:
    """Return the command with the same options, to be run again."""
    words = ["manage.py", "cfsigned_setup"]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if name in _OF_DJANGO or not value or (name, value) == _DEFAULT_ALGORITHM:
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [option] if each is True else [option, str(each)]
    return shlex.join(words)


def in_short(steps: Iterable[SetupStep]) -> str:
    """Return one line for each step that is not done, without its change."""
    return "\n".join(
        "\n".join(_wrapped(f"{_MARKS[step.state]:<9} {step.name}: {step.why}"))
        for step in steps
        if step.state is not StepState.DONE
    )


def plan_as_text(steps: Iterable[SetupStep]) -> str:
    """Return one line for each step, with its call and the change of its document below."""
    lines: list[str] = []
    for step in steps:
        lines += _wrapped(f"{_MARKS[step.state]:<9} {step.name}: {step.why}")
        if step.call is not None:
            lines.append(f"{_INDENT}{step.call}")
        lines += [f"{_INDENT}{line}".rstrip() for line in step.diff.splitlines()]
    return "\n".join(lines)


def summary(steps: Iterable[SetupStep]) -> str:
    """Return one sentence that sums up a plan."""
    found = list(steps)
    todo = sum(each.state is StepState.TODO for each in found)
    conflicts = sum(each.state is StepState.CONFLICT for each in found)
    if not todo and not conflicts:
        return "Every step is done."
    parts = [f"{todo} {'step' if todo == 1 else 'steps'} to do" if todo else ""]
    if conflicts:
        needs = "step needs" if conflicts == 1 else "steps need"
        parts.append(f"{conflicts} {needs} your decision")
    return f"{', '.join(filter(None, parts))}."


def step_as_text(step: SetupStep) -> str:
    """Return what is about to be done."""
    return f"{'doing':<9} {step.name}" + (f": {step.call}" if step.call else "")


def facts_as_text(facts: Iterable[Fact]) -> str:
    """Return facts as the doctor prints them, the worst first."""
    findings = worst_first(from_fact(each) for each in facts)
    return "\n".join(line for _, line in finding_lines(findings))


def settings_as_text(settings: Mapping[str, str | Path]) -> str:
    """Return the settings as Python to paste."""
    lines = []
    for name, value in settings.items():
        text = json.dumps(str(value), ensure_ascii=False)
        if name == "AWS_LOCATION" and value != conf.aws_setting(name):
            lines += [
                f"# Files are stored and found under {value}/, as --path-pattern says. Leave this",
                f"# line out if the names of your files already begin with {value}/ (upload_to).",
            ]
        lines.append(f"{name} = {f'pathlib.Path({text})' if isinstance(value, Path) else text}")
    if any(isinstance(value, Path) for value in settings.values()):
        lines.insert(0, "import pathlib\n")
    return "\n".join(lines)


def settings_title(settings: Mapping[str, str | Path]) -> str:
    """Return what to do with the settings: nothing, if this site has all of them."""
    has_all = all(conf.aws_setting(name) == str(value) for name, value in settings.items())
    if has_all and not storages_as_text():
        return "Settings, all of which this site has already:"
    return "Settings to paste:"


def storages_as_text() -> str:
    """Return the storage as Python to paste; empty if a storage of the site already signs."""
    if any(signing_storages()):
        return ""
    # The other storages of the site stay as they are.
    return f'STORAGES["default"] = {_BACKEND}' if conf.are_storages_set() else _STORAGES


def as_json(
    steps: Iterable[SetupStep],
    facts: Iterable[Fact],
    settings: Mapping[str, str | Path],
    proof: Iterable[Finding] | None,
    key_note: str,
    *,
    code: int,
) -> str:
    """Return the setup for machines; "proof" is null if no request was made."""
    return json.dumps(
        {
            "steps": [_step_as_json(each) for each in steps],
            "facts": [{"id": each.id, "level": each.level, "what": each.what} for each in facts],
            "settings": {name: str(value) for name, value in settings.items()},
            "key": key_note,
            "proof": None if proof is None else [each.to_json() for each in proof],
            "exit": code,
        },
        indent=2,
        ensure_ascii=False,
    )


def iam_as_text(bucket: str, kms_key: str, job: str = "", *, uploads: bool = False) -> str:
    """Return one IAM policy for each job, or that of one, with only the permissions it needs."""
    invalidated = set()
    for _, each in site_storages():
        try:
            if each.invalidate_on and each.distribution_id and not each.signing.is_local:
                invalidated.add(str(each.distribution_id))
        except Exception:
            invalidated.add("*")  # Which one, is known within a request only.
    policies = {
        "setup": iam.setup_policy(bucket, kms_key=kms_key, uploads=uploads),
        "look": iam.doctor_policy(bucket, kms_key=kms_key, uploads=uploads),
        "rotation": iam.rotation_policy(),
        "site": iam.runtime_policy(bucket, kms_key=kms_key, invalidated=invalidated),
    }
    return json.dumps(policies.get(job, policies), indent=2)


def _step_as_json(step: SetupStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "state": step.state,
        "why": step.why,
        "call": None if step.call is None else str(step.call),
        "before": step.before,
        "after": step.after,
    }


def wrapped(text: str) -> str:
    """Return a sentence in lines of at most 100 characters."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        100,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
