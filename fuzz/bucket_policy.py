"""Judge policies of buckets: a decision holds for every file and for whatever is unknown."""

from __future__ import annotations

from itertools import product
from typing import Any

from cfsigned_django.tools.model.resource_policy import READ, Decision, Request, evaluate
from fuzz.dice import Dice
from fuzz.verifier import is_like
from tests.tools.model.test_random_policies import differences

PIECES = ["a", "b", "/", "*", "?", "a*", "**"]
ARN = "arn:aws:s3:::"
#: The files that there may be, all of them written out.
FILES = ["".join(each) for length in range(5) for each in product("ab/", repeat=length)]


def check(data: bytes) -> None:
    """Fail if a decision is another one than in some of the worlds that are written out."""
    dice = Dice(data)
    if dice.random() < 0.5:
        assert [*differences(dice)] == []
        return
    policy = {"Statement": [statement(dice) for _ in range(dice.randrange(1, 4))]}
    files = "".join(dice.choices([*PIECES[:3], "*"], k=dice.randrange(4)))
    context: dict[str, str | None] = {"key": dice.choice(["a", "ab", None])}
    request = Request(principals=(), action=READ, resource=f"{ARN}{files}", context=context)
    decision, _ = evaluate(policy, request)
    truths = {
        truth(policy["Statement"], each, context["key"]) for each in FILES if is_like(files, each)
    }
    if "*" not in files:
        assert decision is not Decision.UNKNOWN, (policy, files)
    if decision is not Decision.UNKNOWN:
        assert truths == {decision is Decision.ALLOWED}, (policy, files, context, decision, truths)


def statement(dice: Dice) -> dict[str, Any]:
    """Return a statement for anyone, with patterns of few letters."""

    def patterns() -> list[str]:
        return [
            "".join(dice.choices(PIECES, k=dice.randrange(4))) for _ in range(dice.randrange(1, 3))
        ]

    operators = ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"]
    operator = dice.choice(operators) + dice.choice(["", "", "IfExists"])
    resource = dice.choice(["Resource", "Resource", "NotResource"])
    return {
        "Effect": dice.choice(["Allow", "Allow", "Deny"]),
        "Principal": "*",
        "Action": dice.choice([READ, "s3:*", "s3:Put*", [READ.upper(), "s3:x"]]),
        resource: [f"{ARN}{each}" for each in patterns()],
        "Condition": {operator: {"Key": patterns()}} if dice.random() < 0.4 else {},
    }


def truth(statements: list[dict[str, Any]], file: str, value: str | None) -> bool:
    """Return whether one file may be read."""
    effects = {each["Effect"] for each in statements if applies(each, file, value)}
    return effects == {"Allow"}


def applies(statement: dict[str, Any], file: str, value: str | None) -> bool:
    """Return whether a statement is about a file, and its condition holds."""
    named = statement.get("Resource") or statement["NotResource"]
    is_on = any(is_like(each.removeprefix(ARN), file) for each in named) is (
        "Resource" in statement
    )
    for operator, keys in statement["Condition"].items():
        is_not = "Not" in operator
        holds = is_not or operator.endswith("IfExists")
        if value is not None:
            found = (
                is_like(each, value) if "Like" in operator else each == value
                for each in keys["Key"]
            )
            holds = any(found) is not is_not
        is_on = is_on and holds
    return is_on and statement["Action"] != "s3:Put*"
