"""Evaluate the template as the emulator does, without deploying it."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from cfsigned_django.tools.stack.template import read_template
from tests.tools.stack import BUCKET

#: The attributes of resources that the template reads.
MADE = {
    "Bucket": {"PhysicalResourceId": BUCKET},
    "OriginAccessControl": {"Attributes": {"Id": "OriginAccessControl.Id"}},
    "Distribution": {
        "PhysicalResourceId": "Distribution",
        "Attributes": {"DomainName": "Distribution.DomainName"},
    },
}


class Template:
    """The template with values for its parameters, as the emulator evaluates it."""

    def __init__(self, **parameters: str) -> None:
        self._engine = import_module("ministack.services.cloudformation.engine")
        self.read = self._engine._parse_template(read_template())
        given = [{"Key": name, "Value": value} for name, value in parameters.items()]
        self._parameters = self._engine._resolve_parameters(self.read, given)
        self._conditions = self._engine._evaluate_conditions(self.read, self._parameters)

    def resources(self) -> dict[str, Any]:
        """Return the properties of each resource that would be made, by its name."""
        return {
            name: self._value(each["Properties"]) for name, each in self._there("Resources").items()
        }

    def outputs(self) -> dict[str, Any]:
        """Return the outputs, by their descriptions."""
        outputs = self._there("Outputs").values()
        return {each["Description"]: self._value(each["Value"]) for each in outputs}

    def _there(self, section: str) -> dict[str, Any]:
        return {
            name: each
            for name, each in self.read[section].items()
            if self._conditions.get(each.get("Condition"), True)
        }

    def _value(self, value: Any) -> Any:
        names: Any = (
            self._parameters,
            self._conditions,
            {},
            "media",
            "arn:aws:cloudformation:::stack/x",
        )
        found = self._engine._resolve_refs(value, MADE, *names)
        return json.loads(json.dumps(found).replace("000000000000", "111122223333"))
