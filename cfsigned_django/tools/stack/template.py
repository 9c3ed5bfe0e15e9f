"""Read the template of the stack, as it is passed to CloudFormation."""

from __future__ import annotations

from importlib import resources


def read_template() -> str:
    """Return the template: YAML, with comments, of at most 51,200 bytes."""
    return (resources.files(__package__) / "template.yaml").read_text(encoding="utf-8")
