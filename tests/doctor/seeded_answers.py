"""Break the distribution as a whole, clocks, and what stands between it and viewers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cfsigned_django.viewer import Answer
from tests.doctor.world import World

_PAGE = b"<!DOCTYPE html><html><body>The request was blocked.</body></html>"


def disabled(world: World, settings: Any) -> None:
    """Disable the distribution."""
    world.update(lambda config: config.update(Enabled=False))


def deploying(world: World, settings: Any) -> None:
    """Have a change on its way to the edges."""
    world.edit_distribution(status="InProgress")


def not_an_alias(world: World, settings: Any) -> None:
    """Leave the domain out of the distribution's."""
    world.update(lambda config: config.update(Aliases={"Quantity": 0}))


def clock_ten_minutes_ahead(world: World, settings: Any) -> None:
    """Let the clock be ten minutes ahead."""
    world.ahead = 600


def clock_ten_minutes_behind(world: World, settings: Any) -> None:
    """Let the clock be ten minutes behind."""
    world.ahead = -600


def clock_a_minute_off(world: World, settings: Any) -> None:
    """Let the clock be a minute ahead."""
    world.ahead = 60


def ipv6_with_addresses(world: World, settings: Any) -> None:
    """Have IPv6 on where links are for addresses."""
    world.update(lambda config: config.update(IsIPV6Enabled=True))
    world.options["uses_addresses"] = True


def plain_http(world: World, settings: Any) -> None:
    """Serve plain HTTP."""
    world.update_behavior(ViewerProtocolPolicy="allow-all")


def missing_object(world: World, settings: Any) -> None:
    """Ask for an object that is not there."""
    world.name = "albums/2.jpg"


def firewall(world: World, settings: Any) -> None:
    """Let AWS WAF refuse with a page of HTML."""
    world.between = lambda answer: replace(answer, status=403, body=_PAGE)


def proxy_in_place_of_cloudfront(world: World, settings: Any) -> None:
    """Let something else answer under the domain."""
    headers = {"server": "nginx", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    world.between = lambda answer: Answer(status=404, headers=headers, body=b"not found")


def lost_query(world: World, settings: Any) -> None:
    """Let a function on viewer requests drop every query."""
    world.drops_query = True
