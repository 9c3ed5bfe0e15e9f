"""Lose answers, throttle, fail and crash between a caller and CloudFront."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from typing import Any, TypeAlias

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.simulation.answers import operation_of, refusal

_ENDPOINT = "https://cloudfront.amazonaws.com/2020-05-31"


class Killed(BaseException):
    """The process ended here. Nothing in the code under test can catch it."""


class Fault(Enum):
    """Name what happens to a call."""

    #: Nothing: it is answered.
    NONE = "none"
    #: AWS refuses it for now; it has no effect.
    THROTTLED = "throttled"
    #: It never arrives.
    UNREACHABLE = "unreachable"
    #: AWS fails before it does anything.
    FAILED = "failed"
    #: It has its effect, and the answer does not arrive.
    LOST = "lost"
    #: It has its effect, and AWS fails afterwards.
    FAILED_LATE = "failed late"
    #: The first answer is lost, and botocore sends the same request once more.
    SENT_TWICE = "sent twice"


#: Says for each call, by the name of its method, what happens to it.
ChooseFault: TypeAlias = Callable[[str], Fault]
#: Is called with the method's name and "before" or "after", and may raise:
#: that is a process that dies there. It may also let somebody else go first.
Boundary: TypeAlias = Callable[[str, str], None]


def random_faults(random: Random, rate: float) -> ChooseFault:
    """Choose a fault of any kind for a share of the calls, from 0 to 1."""
    kinds = [kind for kind in Fault if kind is not Fault.NONE]

    def choose(method: str) -> Fault:
        return random.choice(kinds) if random.random() < rate else Fault.NONE

    return choose


class UnreliableCloudFront:
    """Pass calls on to a CloudFront, real or simulated, with faults."""

    def __init__(
        self,
        cloudfront: Any,
        *,
        choose_fault: ChooseFault = lambda method: Fault.NONE,
        boundary: Boundary = lambda method, side: None,
    ) -> None:
        self._cloudfront = cloudfront
        self._choose_fault = choose_fault
        self._boundary = boundary

    def __getattr__(self, method: str) -> Callable[..., Mapping[str, Any]]:
        return lambda **arguments: self.pass_on(method, **arguments)

    def pass_on(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Make a call, with its boundaries and its fault."""
        self._boundary(method, "before")
        answer = self._call(method, arguments, self._choose_fault(method))
        self._boundary(method, "after")
        return answer

    def _call(self, method: str, arguments: dict[str, Any], fault: Fault) -> Mapping[str, Any]:
        operation = operation_of(method)
        if fault is Fault.THROTTLED:
            raise refusal("Throttling", operation, "Rate exceeded")
        if fault is Fault.UNREACHABLE:
            raise EndpointConnectionError(endpoint_url=_ENDPOINT)
        if fault is Fault.FAILED:
            raise refusal("ServiceUnavailable", operation)
        perform: Callable[..., Mapping[str, Any]] = getattr(self._cloudfront, method)
        answer = perform(**arguments)
        if fault is Fault.LOST:
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)
        if fault is Fault.FAILED_LATE:
            raise refusal("InternalError", operation)
        return perform(**arguments) if fault is Fault.SENT_TWICE else answer
