"""Write a plan, its result and the settings to paste, for people and for machines."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cfsigned_django.core import conf
from cfsigned_django.storage.site_storages import site_storages
from cfsigned_django.tools.catalog import Finding
from cfsigned_django.tools.setup.site_stack import Plan, SiteStack
from cfsigned_django.tools.stack.existing import Stack
from cfsigned_django.tools.stack.template import BUCKET, MAKES_BUCKET, MANAGED_POLICIES, removals

#: Outputs that a person must add somewhere.
STATEMENTS: Final[Mapping[str, str]] = {
    "BucketPolicyStatement": "The policy of the bucket must have this statement",
    "KmsKeyPolicyStatement": "The policy of the KMS key must have this statement",
}
#: Options that say nothing about what is set up, or that change nothing in a later run.
_LEFT_OUT: Final = frozenset(
    {"verbosity", "traceback", "no_color", "force_color", "skip_checks", "json"}
    | {"stdout", "stderr", "revert_drift", "allow_removal"}
)
_BACKEND: Final = '{"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}'
_STORAGES: Final = f"""STORAGES = {{
    "default": {_BACKEND},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}"""


def plan_lines(site: SiteStack, plan: Plan) -> list[str]:
    """Return a plan as a table: action, resource, what changes."""
    lines = []
    if plan.key_group.id and not plan.key_group.has_key:
        lines.append(f"add      the public key of this site to the key group {plan.key_group.id}")
    elif not plan.key_group.id:
        lines.append(f"add      the key group {site.group_name}, which the stack never changes")
    if not site.present and site.given[MAKES_BUCKET] == "false":
        lines.append(f"keep     the bucket {site.given[BUCKET]}, which somebody has made already")
    lines += [each.as_text(plan.reasons) for each in plan.changes.changes]
    if not site.present and site.given.get(MANAGED_POLICIES) == "on":
        # Nothing is taken away from a new stack. This is what it would have without them.
        lines += [f"lacks    {each}" for each in removals(site.given, {"Csp": "scripts"})]
    lines += [f"removes  {each}" for each in plan.removals]
    lines += [f"undoes   {each}" for each in plan.losses]
    return lines


def command_line(options: Mapping[str, Any]) -> str:
    """Return the command with the same options, to be run again."""
    words = ["manage.py", "cfsigned_setup"]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if name in _LEFT_OUT or value in (None, False, []):
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [option] if each is True else [option, str(each)]
    return shlex.join(words)


def statements(stack: Stack) -> dict[str, str]:
    """Return the statements that only a person can add, by what to do with them."""
    return {
        sentence: stack.outputs[output]
        for output, sentence in STATEMENTS.items()
        if output in stack.outputs
    }


def settings_text(settings: Mapping[str, str | Path]) -> str:
    """Return the settings, and the storage if none signs yet, as Python to paste."""
    has_all = all(conf.aws_setting(name) == str(value) for name, value in settings.items())
    title = "Settings to paste:"
    if has_all and not storages_as_text():
        title = "Settings, all of which this site has already:"
    parts = [title, _settings_as_text(settings), storages_as_text()]
    return "\n\n".join(filter(None, parts))


def _settings_as_text(settings: Mapping[str, str | Path]) -> str:
    lines = []
    for name, value in settings.items():
        text = json.dumps(str(value), ensure_ascii=False)
        lines.append(f"{name} = {f'pathlib.Path({text})' if isinstance(value, Path) else text}")
    if any(isinstance(value, Path) for value in settings.values()):
        lines.insert(0, "import pathlib\n")
    return "\n".join(lines)


def storages_as_text() -> str:
    """Return the storage as Python to paste; empty if a storage of the site already signs."""
    if any(each.signs for each in site_storages()):
        return ""
    # The other storages of the site stay as they are.
    return f'STORAGES["default"] = {_BACKEND}' if conf.are_storages_set() else _STORAGES


def as_json(
    site: SiteStack,
    plan: Plan,
    *,
    code: int,
    stack: Stack | None = None,
    settings: Mapping[str, str | Path] | None = None,
    note: str = "",
    proof: Iterable[Finding] | None = None,
) -> str:
    """Return a run for machines; "proof" is null if no request was made."""
    known = stack or site.stack
    return json.dumps(
        {
            "stack": {
                "name": site.name,
                "region": site.cloudformation.meta.region_name,
                "status": known.status if known else None,
            },
            "changes": [
                {"action": each.action, "resource": each.resource} for each in plan.changes.changes
            ],
            "parameters": list(dict.fromkeys(sentence for _, sentence in plan.reasons)),
            "key_group": {"id": plan.key_group.id or None, "has_key": plan.key_group.has_key},
            "removals": list(plan.removals),
            "losses": list(plan.losses),
            "settings": {name: str(value) for name, value in (settings or {}).items()},
            "statements": statements(stack) if stack else {},
            "key": note,
            "proof": None if proof is None else [asdict(each) for each in proof],
            "exit": code,
        },
        indent=2,
        ensure_ascii=False,
    )


def wrapped(text: str) -> str:
    """Return a sentence in lines of at most 100 characters."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
