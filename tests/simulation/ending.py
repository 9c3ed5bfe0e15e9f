"""Let all faults end, and see that every rotation comes to its end and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from tests.simulation.oracle import Rule, Violation

if TYPE_CHECKING:
    from tests.simulation.site import Site
    from tests.simulation.world import World

#: After so many rounds without any fault, every rotation must be over.
_ROUNDS = 30


def finish(site: Site) -> None:
    """Let one rotator do what is left to do, while time passes; judge what is there then."""
    world = site.world
    world.is_calm = True
    world.note("From here on, nothing goes wrong.")
    for each in site.rotators:
        if each.process.is_held:
            world.run(each.process, None, kill=False)
    world.is_open = False
    while len(world.foreign) > 1:
        world.remove_foreign_key()
    rotator = site.rotators[0]
    world.run(rotator.process, rotator.correct, kill=False)
    for _ in range(_ROUNDS):
        world.run(rotator.process, rotator.advance, kill=False)
        site.workers[0].sign()
        if not _is_under_way(world):
            break
        due = [moment for moment in site.steps_due() if moment > world.now]
        world.pass_time(max(1, min(due, default=world.now + 61) - world.now) + 1)
    else:
        raise Violation(Rule.ENDS, "The rotation does not come to its end.")
    _judge_leftovers(world)


def _is_under_way(world: World) -> bool:
    members = world.members()
    return any(
        row.status in (KeyStatus.PENDING, KeyStatus.RETIRING)
        or (row.status == KeyStatus.TRUSTED and not row.is_spare)
        or (row.status == KeyStatus.TRUSTED and str(row) not in members)
        or (row.status == KeyStatus.REVOKED and row.removed_at is None)
        for row in KeyPair.objects.all()
    )


def _judge_leftovers(world: World) -> None:
    """See that CloudFront holds what is in use, and what belongs to others."""
    ours = {str(row) for row in KeyPair.objects.filter(status__in=("active", "trusted"))}
    imported = world.settings_signer and KeyPair.objects.filter(
        key_pair_id=world.settings_signer.key_pair_id
    )
    expected = {*ours, *world.foreign}
    if world.settings_signer and not imported:
        expected.add(world.settings_signer.key_pair_id)
    members = set(world.members())
    if members != expected:
        raise Violation(Rule.NO_TRACES, f"The group holds {members}, not {expected}.")
    listed = world.cloudfront.list_public_keys()["PublicKeyList"].get("Items", [])
    left = {each["Id"] for each in listed if not each["Name"].startswith("foreign")} - expected
    if left:
        raise Violation(Rule.NO_TRACES, f"Public keys are left over: {left}.")
