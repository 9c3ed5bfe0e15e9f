"""Answer DescribeChangeSet as CloudFormation documents it, where the emulator leaves something out.

With IncludePropertyValues, AWS tells the properties of the last deployment. The emulator has them.
It does not look at the conditions of resources when it lists what is added or removed.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any


class TellsBefore:
    """A client of CloudFormation that tells the properties of the last deployment."""

    def __init__(self, client: Any, module: Any) -> None:
        self._client = client
        self._module = module
        #: CloudFormation has not ended yet.
        self.is_slow = False
        self.meta = client.meta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_stacks(self, **given: Any) -> Any:
        """Return the stacks."""
        answer = self._client.describe_stacks(**given)
        for each in answer["Stacks"]:
            if self.is_slow and each["StackStatus"] == "CREATE_COMPLETE":
                each["StackStatus"] = "CREATE_IN_PROGRESS"
        return answer

    def describe_change_set(self, **given: Any) -> Any:
        """Return the change set, with BeforeContext and AfterContext."""
        answer = self._client.describe_change_set(**given)
        if not given.get("IncludePropertyValues"):
            return answer
        before, after = self._resources(answer["StackId"]), self._planned(answer["ChangeSetId"])
        changes = {each["ResourceChange"]["LogicalResourceId"]: each for each in answer["Changes"]}
        for name in before.keys() ^ after.keys() if changes else ():
            action = {"Action": "Add" if name in after else "Remove", "LogicalResourceId": name}
            changes[name] = {"ResourceChange": {**action, "Details": []}}
        answer["Changes"] = [changes[each] for each in sorted(changes) if each in before | after]
        for each in answer["Changes"]:
            change = each["ResourceChange"]
            for name, known in (("BeforeContext", before), ("AfterContext", after)):
                if found := known.get(change["LogicalResourceId"]):
                    properties = dict(found.get("Properties", {}))
                    # The emulator carries no lifecycle rule out.
                    properties.pop("LifecycleConfiguration", None)
                    change[name] = json.dumps({"Properties": properties})
        return answer

    def _resources(self, stack_id: str) -> Any:
        """Return the resources of the last deployment."""
        stacks = self._module._stacks._data.values()
        return next((each["_resources"] for each in stacks if each.get("StackId") == stack_id), {})

    def _planned(self, change_set_id: str) -> Any:
        """Return the resources as the change set has them."""
        [found] = [
            each
            for each in self._module._change_sets._data.values()
            if each["ChangeSetId"] == change_set_id
        ]
        changesets = import_module("ministack.services.cloudformation.changesets")
        conditions = changesets._evaluate_conditions(found["_template"], found["_resolved_params"])
        resolved = changesets._resolve_props_for_diff(
            found["_template"], found["_resolved_params"], found["StackName"], found["StackId"]
        )
        return {
            name: each
            for name, each in resolved["Resources"].items()
            if conditions.get(each.get("Condition"), True)
        }
