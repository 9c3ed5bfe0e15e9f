"""Policies: who may request which URL and until when, byte for byte as CloudFront has them.

Developer guide: "Create a signed URL using a canned policy" and "... using a
custom policy".
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from cfsigned_django.signing.exceptions import Check, InvalidPolicy
from cfsigned_django.signing.resource import (
    NEVER_SENT,
    check_resource,
    compile_resource,
    lower_host,
    readings,
)

#: The latest moment that a signer may name, and that every reader of a policy
#: accepts: 2038-01-19 03:14:07 UTC, which the guide gave until 2023.
MAX_EPOCH_TIME = 2_147_483_647
#: The latest moment that a request may name: 2262-04-11 23:47:16 UTC, the date that
#: the guide now gives. Its number, 9223372036854775807, is that date in nanoseconds;
#: read as seconds it would allow milliseconds, and users report that CloudFront
#: refuses these as MalformedPolicy.
LATEST_TIME_SENT: Final = 9_223_372_036

# The guide ordered a backslash before the question mark that begins the query (until 2023, "Create
# a signed URL using a custom policy"), and still prints one. Written into JSON, it is one or two.
_ESCAPED_QUESTION_MARK = re.compile(r"\A([^?]*[^?\\])\\{1,2}\?")

_CONDITIONS = {
    "DateLessThan": "AWS:EpochTime",
    "DateGreaterThan": "AWS:EpochTime",
    "IpAddress": "AWS:SourceIp",
}


def canned_policy_json(resource: str, date_less_than: int) -> str:
    """Return the canned policy as CloudFront rebuilds it, byte for byte.

    Both values must have been validated: nothing is escaped here.
    """
    return (
        f'{{"Statement":[{{"Resource":"{resource}",'
        f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{date_less_than}}}}}}}]}}'
    )


@dataclass(frozen=True, slots=True, init=False)
class Policy:
    """A policy statement, validated when it is created.

    ``resource`` is a percent-encoded URL in which ``*`` matches any characters
    within its section. ``date_less_than`` and ``date_greater_than`` are Unix
    seconds or aware datetimes, both exclusive. ``ip_address`` is an IPv4
    address or CIDR range. The resource ``*`` opens every file of every
    distribution that trusts the key, and needs ``allow_any_resource=True``.

    Raise :exc:`InvalidPolicy` for anything that CloudFront would refuse, or
    that grants more than it says.
    """

    resource: str
    date_less_than: int
    date_greater_than: int | None = None
    ip_address: str | None = None

    def __init__(
        self,
        *,
        resource: str,
        date_less_than: datetime | int,
        date_greater_than: datetime | int | None = None,
        ip_address: str | None = None,
        allow_any_resource: bool = False,
    ) -> None:
        until = epoch_time(date_less_than, "date_less_than")
        since = None
        if date_greater_than is not None:
            since = epoch_time(date_greater_than, "date_greater_than")
            if since >= until:
                raise InvalidPolicy(
                    f"date_greater_than ({since}) must be earlier than date_less_than ({until}): "
                    "this policy would never allow anything."
                )
        self._fill(check_resource(resource, allow_any_resource), until, since, ip_address)

    @classmethod
    def as_sent(
        cls,
        *,
        resource: object,
        date_less_than: int,
        date_greater_than: int | None = None,
        ip_address: str | None = None,
        allow_any_resource: bool = False,
    ) -> Self:
        """Return the policy of a request, which any signer may have made.

        A signer is stricter. A request may name moments until 2262, and its
        resource may have the characters that browsers send unencoded. If it
        starts at its end or later, CloudFront's pages do not call it malformed:
        its conditions are never met.
        """
        policy = cls.__new__(cls)
        policy._fill(
            check_resource(resource, allow_any_resource, NEVER_SENT),
            epoch_time(date_less_than, "DateLessThan", LATEST_TIME_SENT),
            None
            if date_greater_than is None
            else epoch_time(date_greater_than, "DateGreaterThan", LATEST_TIME_SENT),
            ip_address,
        )
        return policy

    def _fill(self, resource: str, until: int, since: int | None, ip_address: str | None) -> None:
        # A frozen dataclass is filled in by object.__setattr__.
        object.__setattr__(self, "resource", resource)
        object.__setattr__(self, "date_less_than", until)
        object.__setattr__(self, "date_greater_than", since)
        if ip_address is not None:
            ip_address = _check_ip_address(ip_address)
        object.__setattr__(self, "ip_address", ip_address)

    @property
    def is_canned(self) -> bool:
        """Return whether CloudFront can rebuild the policy from the URL and ``Expires``."""
        return (
            self.date_greater_than is None and self.ip_address is None and "*" not in self.resource
        )

    def to_json(self) -> str:
        """Return the text that is signed: no white space, keys in AWS's order."""
        if self.date_greater_than is None and self.ip_address is None:
            return canned_policy_json(self.resource, self.date_less_than)
        condition: dict[str, dict[str, int | str]] = {
            "DateLessThan": {"AWS:EpochTime": self.date_less_than}
        }
        if self.date_greater_than is not None:
            condition["DateGreaterThan"] = {"AWS:EpochTime": self.date_greater_than}
        if self.ip_address is not None:
            condition["IpAddress"] = {"AWS:SourceIp": self.ip_address}
        statement = {"Resource": self.resource, "Condition": condition}
        return json.dumps({"Statement": [statement]}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the policy that came with a request.

        The order of keys and white space are free, a missing Resource means
        ``*``, and the ``?`` that begins the query may be written ``\\?``, all as
        CloudFront's developer guide says. Raise :exc:`InvalidPolicy` for anything
        that CloudFront calls a malformed policy, and for unknown or repeated
        keys, which it does not document. A signer refuses some of what a
        request may have, such as an end after January 2038.
        """
        try:
            document = json.loads(
                _ESCAPED_QUESTION_MARK.sub(r"\1?", text), object_pairs_hook=_unique_keys
            )
        except (ValueError, RecursionError):
            raise InvalidPolicy("The policy is not valid JSON with unique keys.") from None
        return cls.as_sent(**_read_document(document), allow_any_resource=True)

    def matches(self, url: str) -> bool:
        """Return whether the resource covers the URL, as the viewer sent it."""
        pattern = compile_resource(self.resource)
        url = lower_host(url)
        # AWS does not document whether CloudFront resolves `albums/1/../2` before it
        # compares. The stricter reading: a `*` must cover all forms.
        forms = readings(url) if "*" in self.resource else (url,)
        return all(pattern.fullmatch(form) for form in forms)

    def allows(self, now: int, viewer_ip: str | None) -> bool:
        """Return whether the conditions hold for the viewer at ``now``, in Unix seconds."""
        return self.why_not(now, viewer_ip) is None

    def why_not(self, now: int, viewer_ip: str | None) -> tuple[Check, str] | None:
        """Return the first condition that does not hold, and why, or None."""
        # AWS does not document whether the second of DateLessThan itself is allowed.
        # The stricter reading: it is not.
        if now >= self.date_less_than:
            return Check.TIME, f"expired {now - self.date_less_than} s ago"
        if self.date_greater_than is not None and now <= self.date_greater_than:
            left = self.date_greater_than + 1 - now
            return Check.TIME, f"not valid for another {left} s (date_greater_than)"
        if self.ip_address is not None and not is_within(viewer_ip, self.ip_address):
            return Check.ADDRESS, f"the viewer's address {viewer_ip} is not in {self.ip_address}"
        return None


def epoch_time(moment: datetime | int, name: str, latest: int = MAX_EPOCH_TIME) -> int:
    """Return the moment in Unix seconds; ``name`` is its name in errors."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise InvalidPolicy(
                f"{name} is a datetime without a time zone, so its moment is ambiguous. "
                "Make it aware, for example with django.utils.timezone.now()."
            )
        moment = int(moment.timestamp())
    if type(moment) is not int:
        raise InvalidPolicy(
            f"{name} is {moment!r}. It must be whole Unix seconds or an aware datetime."
        )
    if moment > latest:
        looks = " It looks like milliseconds. Use seconds." if moment > 10**11 else ""
        year = datetime.fromtimestamp(latest, UTC).year
        raise InvalidPolicy(f"{name} is {moment}. It must be at most {latest} (in {year}).{looks}")
    if moment <= 0:
        raise InvalidPolicy(f"{name} is {moment}. It must be Unix seconds after 1970.")
    return moment


def _check_ip_address(ip_address: str) -> str:
    """Return the IPv4 address or range with its prefix length."""
    text = str(ip_address)
    if _is_ipv6(text):
        raise InvalidPolicy(
            f"ip_address is {text!r}. CloudFront's policies support IPv4 only. Leave it out for "
            "viewers on IPv6, or turn IPv6 off for the distribution."
        )
    address, slash, prefix = text.partition("/")
    try:
        ipaddress.IPv4Address(address)
        ipaddress.IPv4Network(text, strict=False)
        if slash and not re.fullmatch("[0-9]|[1-3][0-9]", prefix):
            raise ValueError(prefix)
    except ValueError:
        raise InvalidPolicy(
            f"ip_address is {text!r}. It must be one IPv4 address or one CIDR range, "
            "such as 203.0.113.7 or 203.0.113.0/24."
        ) from None
    return text if slash else f"{text}/32"


def _is_ipv6(text: str) -> bool:
    """Return whether the text is an IPv6 address or range; not every text with a colon is."""
    try:
        ipaddress.IPv6Interface(text)
    except ValueError:
        return False
    return True


def is_within(viewer_ip: str | None, ip_range: str) -> bool:
    """Return whether the viewer's address is in the range; an IPv6 address never is."""
    try:
        address = ipaddress.IPv4Address(viewer_ip or "")
    except ValueError:
        return False
    return address in ipaddress.IPv4Network(ip_range, strict=False)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("repeated key")
    return keys


def _read_document(document: object) -> dict[str, Any]:
    """Return the arguments of the Policy that the JSON document describes."""
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list) or len(statements) != 1:
        raise InvalidPolicy("The policy must have a Statement array with exactly one statement.")
    statement = statements[0]
    condition = statement.get("Condition") if isinstance(statement, dict) else None
    if not isinstance(condition, dict) or "DateLessThan" not in condition:
        raise InvalidPolicy("The policy's statement must have a DateLessThan condition.")
    if len(document) > 1 or not statement.keys() <= {"Resource", "Condition"}:  # type: ignore[arg-type]
        raise InvalidPolicy("The policy has keys that CloudFront does not document.")
    values = {name: _read_condition(name, body) for name, body in condition.items()}
    return {
        "resource": statement.get("Resource", "*"),
        "date_less_than": values["DateLessThan"],
        "date_greater_than": values.get("DateGreaterThan"),
        "ip_address": values.get("IpAddress"),
    }


def _read_condition(name: str, body: object) -> int | str:
    key = _CONDITIONS.get(name)
    if key is None or not isinstance(body, dict) or list(body) != [key]:
        raise InvalidPolicy(f"The policy's condition {name} is not one that CloudFront documents.")
    value = body[key]
    if type(value) is not (str if name == "IpAddress" else int):
        raise InvalidPolicy(f"The policy's {name} is {value!r}, which is of the wrong type.")
    assert isinstance(value, str | int)  # noqa: S101
    return value
