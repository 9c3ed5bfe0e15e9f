"""Evaluate random policies, and compare with worlds that are written out: who reads which file.

Nothing here evaluates a policy. Each text below stands beside the worlds in which it holds.

Modules: tools/model/resource_policy.py
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

import pytest

from cfsigned_django.tools.model.resource_policy import (
    Decision,
    by_distribution,
    by_identity,
    evaluate,
    other_readers,
    public_statements,
)

BUCKET = "media-bucket"
OBJECTS = f"arn:aws:s3:::{BUCKET}"
PRIVATE = f"{OBJECTS}/media/*"
HERE, THERE = "111122223333", "999999999999"
OURS = f"arn:aws:cloudfront::{HERE}:distribution/EOURS"
SIBLING = f"arn:aws:cloudfront::{HERE}:distribution/ESIBLING"
FOREIGN = f"arn:aws:cloudfront::{THERE}:distribution/EFOREIGN"
EVERY = f"arn:aws:cloudfront::{HERE}:distribution/*"
USER = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity"
ROLE = f"arn:aws:iam::{THERE}:role/backup"

#: Those who may ask. The first three are distributions, and come as the service.
WHO = frozenset({"ours", "sibling", "foreign", "identity", "other identity", "role", "anyone"})
SERVICES = frozenset({"ours", "sibling", "foreign"})
LACKING = WHO - SERVICES  # whose requests have no source
NOBODY: frozenset[str] = frozenset()

#: The private files: two that a pattern may mean, and one that only those for all of them mean.
JPG, OLD, REST = "media/a.jpg", "media/old/b.pdf", "media/c.mp4"
FILES = frozenset({JPG, OLD, REST})
NO_FILE: frozenset[str] = frozenset()

PRINCIPALS: list[tuple[Any, frozenset[str]]] = [
    ("*", WHO),
    ({"AWS": "*"}, WHO),
    ({"AWS": [ROLE, "*"]}, WHO),
    ({"Service": "cloudfront.amazonaws.com"}, SERVICES),
    ({"Service": ["lambda.amazonaws.com", "cloudfront.amazonaws.com"]}, SERVICES),
    ({"Service": "lambda.amazonaws.com"}, NOBODY),
    ({"AWS": ROLE}, frozenset({"role"})),
    ({"AWS": f"{USER} EOAI"}, frozenset({"identity"})),
    ({"AWS": [f"{USER} EOTHER", ROLE]}, frozenset({"other identity", "role"})),
    ({"AWS": f"{USER} EOAI", "Service": "cloudfront.amazonaws.com"}, SERVICES | {"identity"}),
]
ACTIONS: list[tuple[Any, bool]] = [
    *((each, True) for each in ("s3:GetObject", "S3:getobject", "s3:Get*", "s3:*", "*")),
    *((each, True) for each in ("s3:GetObjec?", "s3:*Object", ["s3:PutObject", "s3:GetObject"])),
    *((each, False) for each in ("s3:PutObject", "s3:GetObjectAcl", "s3:GetObject?", "s3:List*")),
    (["s3:DeleteObject", "kms:*"], False),
]
RESOURCES: list[tuple[Any, frozenset[str]]] = [
    *((f"{OBJECTS}/{each}", FILES) for each in ("*", "media/*", "m?dia/*", "*edia/*")),
    *((each, FILES) for each in ("*", f"{OBJECTS}*", [OBJECTS, f"{OBJECTS}/*"], "arn:aws:s3:::*")),
    *((each, NO_FILE) for each in (OBJECTS, f"{OBJECTS}/static/*", f"{OBJECTS}/Media/*")),
    *((each, NO_FILE) for each in ("arn:aws:s3:::other/*", f"arn:aws:s3:us-east-1::{BUCKET}/*")),
    (f"{OBJECTS}/media/*.jpg", frozenset({JPG})),
    (f"{OBJECTS}/media/old/*", frozenset({OLD})),
    ([f"{OBJECTS}/static/*", f"{OBJECTS}/media/?.jpg"], frozenset({JPG})),
]


@dataclass(frozen=True, slots=True)
class World:
    """One way in which things may be: who asks for what, by TLS or not, and what nobody sees."""

    who: str
    file: str
    tls: bool
    #: The statements whose unseen conditions, or NotPrincipal in a Deny, hold.
    hidden: frozenset[int] = field(default_factory=frozenset)


Holds: TypeAlias = Callable[[World], bool]


def of(*who: str) -> Holds:
    """Hold for those who ask."""
    return lambda world: world.who in who


def but(*who: str) -> Holds:
    """Hold for all others, those without a source too."""
    return lambda world: world.who not in who


@dataclass(frozen=True, slots=True)
class Unseen:
    """Hold in some of the worlds that look the same, for those whose requests have the key."""

    who: frozenset[str] = WHO


#: A condition, and the worlds in which it holds.
CONDITIONS: list[tuple[dict[str, dict[str, Any]], Holds | Unseen]] = [
    *(({"StringEquals": {"AWS:SourceArn": OURS}}, of("ours")),) * 4,
    ({"stringequals": {"aws:sourcearn": [FOREIGN, OURS]}}, of("ours", "foreign")),
    ({"StringEquals": {"AWS:SourceArn": EVERY}}, of()),
    ({"StringEquals": {"aws:SourceArn": SIBLING}}, of("sibling")),
    ({"StringEqualsIgnoreCase": {"aws:SourceArn": OURS.upper()}}, of("ours")),
    ({"StringLike": {"aws:SourceArn": EVERY}}, of("ours", "sibling")),
    ({"StringLike": {"aws:SourceArn": "*EOUR?"}}, of("ours")),
    ({"ArnLike": {"aws:SourceArn": EVERY}}, of("ours", "sibling")),
    ({"ArnEquals": {"aws:SourceArn": [EVERY, FOREIGN]}}, of(*SERVICES)),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront:*:*:distribution/EOURS"}}, of("ours")),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}}, of()),
    ({"StringEquals": {"aws:SourceAccount": HERE}}, of("ours", "sibling")),
    ({"StringEquals": {"aws:SourceAccount": HERE, "aws:SourceArn": OURS}}, of("ours")),
    ({"StringEquals": {"aws:SourceAccount": THERE, "aws:SourceArn": OURS}}, of()),
    ({"StringNotEquals": {"aws:SourceArn": OURS}}, but("ours")),
    ({"StringNotEqualsIfExists": {"aws:SourceArn": FOREIGN}}, but("foreign")),
    ({"StringNotLike": {"aws:SourceArn": [EVERY, FOREIGN]}}, of(*LACKING)),
    ({"ArnNotLike": {"aws:SourceArn": EVERY}}, but("ours", "sibling")),
    ({"StringEqualsIfExists": {"aws:SourceArn": OURS}}, but("sibling", "foreign")),
    ({"ForAnyValue:StringEquals": {"aws:SourceArn": OURS}}, of("ours")),
    ({"ForAllValues:StringEquals": {"aws:SourceArn": OURS}}, but("sibling", "foreign")),
    ({"Null": {"aws:SourceArn": "true"}}, of(*LACKING)),
    ({"Null": {"aws:SourceArn": "false"}}, of(*SERVICES)),
    ({"Bool": {"aws:SecureTransport": "true"}}, lambda world: world.tls),
    ({"Bool": {"aws:SecureTransport": True}}, lambda world: world.tls),
    ({"Bool": {"aws:SecureTransport": "false"}}, lambda world: not world.tls),
    ({"BoolIfExists": {"aws:SecureTransport": False}}, lambda world: not world.tls),
    ({"Bool": {"aws:SecureTransport": ["true", "false"]}}, but()),
    ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, Unseen()),
    ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, Unseen()),
    ({"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, Unseen()),
    ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, Unseen()),
    ({"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}, Unseen()),
    ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, Unseen()),
    ({"StringEquals": {"aws:SourceArn": "${aws:PrincipalTag/distribution}"}}, Unseen(SERVICES)),
]


@dataclass(frozen=True, slots=True)
class Part:
    """A statement, and the worlds to which it applies."""

    text: Mapping[str, Any]
    applies: Holds
    #: Whether it depends on what nobody sees, or is about some of the files only.
    is_doubtful: bool


def part(number: int, dice: random.Random) -> Part:
    """Return a random statement."""
    effect = dice.choices(("Allow", "Deny"), (3, 2))[0]
    usual = dice.random() < 0.5
    by, who = PRINCIPALS[3] if usual and effect == "Allow" else dice.choice(PRINCIPALS)
    does, is_read = dice.choice(ACTIONS)
    on, files = dice.choice(RESOURCES)
    not_by, not_does, not_on = (dice.random() < 0.1 for _ in range(3))
    is_guessed = not_by and effect == "Deny"
    chosen = dice.sample(CONDITIONS, dice.choices((0, 1, 2), (2, 5, 2))[0])
    condition: dict[str, dict[str, Any]] = {}
    holding: list[Holds | Unseen] = []
    for each, holds in chosen:
        if not each.keys() & condition.keys():
            condition |= each
            holding.append(holds)

    def is_met(condition: Holds | Unseen, world: World) -> bool:
        if isinstance(condition, Unseen):
            return number in world.hidden and world.who in condition.who
        return condition(world)

    def applies(world: World) -> bool:
        asks = number in world.hidden if is_guessed else (world.who in who) is not not_by
        return (
            asks
            and is_read is not not_does
            and (world.file in files) is not not_on
            and all(is_met(each, world) for each in holding)
        )

    text = {
        "Sid": f"S{number}",
        "Effect": effect,
        "NotPrincipal" if not_by else "Principal": by,
        "NotAction" if not_does else "Action": does,
        "NotResource" if not_on else "Resource": on,
        **({"Condition": condition} if condition else {}),
    }
    is_unseen = is_guessed or any(isinstance(each, Unseen) for each in holding)
    return Part(text, applies, is_unseen or files not in (FILES, NO_FILE))


def answer(parts: list[Part], who: str, tls: tuple[bool, ...]) -> Decision:
    """Return what all worlds that look the same say: allowed, denied, or not the same."""
    numbers = [number for number, each in enumerate(parts) if each.is_doubtful]
    said = set()
    for file, secure, bits in product(FILES, tls, product((False, True), repeat=len(numbers))):
        hidden = frozenset(number for number, bit in zip(numbers, bits, strict=True) if bit)
        world = World(who, file, secure, hidden)
        effects = {each.text["Effect"] for each in parts if each.applies(world)}
        said.add(Decision.ALLOWED if effects == {"Allow"} else Decision.DENIED)
    return said.pop() if len(said) == 1 else Decision.UNKNOWN


def differences(dice: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield what is wrongly said of a random policy: unknown, too, of what is certain."""
    parts = [part(at, dice) for at in range(dice.randint(1, 4))]
    texts = [each.text for each in parts]
    policy = {"Statement": texts[0] if len(texts) == 1 else texts}
    reader, uses_tls = dice.choice(["ours", "ours", "identity"]), dice.random() < 0.8
    identity = f"{USER} EOAI" if reader == "identity" else ""
    if identity:
        request = by_identity(identity, PRIVATE, uses_tls=uses_tls)
    else:
        request = by_distribution(OURS, PRIVATE, uses_tls=uses_tls)

    told, _ = evaluate(policy, request)
    others = other_readers(policy, PRIVATE, distribution_arn=OURS, identity_arn=identity)

    truth = answer(parts, reader, (True,) if uses_tls else (True, False))
    is_certain = uses_tls and not any(each.is_doubtful for each in parts)
    if told is not truth and (told is not Decision.UNKNOWN or is_certain):
        yield reader, truth, told, policy
    if not others and not public_statements(policy, PRIVATE):
        for who in WHO - {reader, "ours"}:
            if answer(parts, who, (True, False)) is not Decision.DENIED:
                yield who, "may read, and nobody is said to", policy


#: How often: the long run is a part of make simulation.
TRIALS = [300, pytest.param(4_000, marks=pytest.mark.simulation)]


@pytest.mark.parametrize("trials", TRIALS)
def test_random_policies(trials: int) -> None:
    """Say allowed or denied if it is so in every world, and unknown of nothing that is certain."""
    seed = os.environ.get("SIMULATION_SEED", "1")
    for number in range(trials):
        assert [*differences(random.Random(f"{seed} {number}"))] == [], number
