"""Write and read policies in CloudFront's bytes, and refuse what it would refuse."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidPolicy, Policy, SigningError
from cfsigned_django.signing.encoding import decode_base64
from tests.signing.cases import EXPIRES, ORIGIN

URL = f"{ORIGIN}/image.jpg"
# From the page about cookies with a custom policy.
PUBLISHED_EXAMPLE = (
    "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cDovL2QxMTExMTFhYmNkZWY4LmNsb3VkZnJvbnQu"
    "bmV0L2dhbWVfZG93bmxvYWQuemlwIiwiQ29uZGl0aW9uIjp7IklwQWRkcmVzcyI6eyJBV1M6U291cmNl"
    "SXAiOiIxOTIuMC4yLjAvMjQifSwiRGF0ZUxlc3NUaGFuIjp7IkFXUzpFcG9jaFRpbWUiOjE0MjY1MDAw"
    "MDB9fX1dfQ__"
)


def policy(**changes: Any) -> Policy:
    """Return a policy for the image, with changes."""
    arguments: dict[str, Any] = {"resource": URL, "date_less_than": EXPIRES}
    return Policy(**arguments | changes)


def test_full_policy_bytes() -> None:
    """Write the end, the start and the address in this order, without white space."""
    full = policy(date_greater_than=1767200000, ip_address="192.0.2.0/24")
    assert full.to_json() == (
        '{"Statement":[{"Resource":"https://d111111abcdef8.cloudfront.net/image.jpg","Condition":'
        '{"DateLessThan":{"AWS:EpochTime":1767290400},'
        '"DateGreaterThan":{"AWS:EpochTime":1767200000},'
        '"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}'
    )
    assert Policy.from_json(full.to_json()) == full


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"resource": f"{URL}?size=large"}, True),
        ({"date_greater_than": 1}, False),
        ({"ip_address": "0.0.0.0/0"}, False),
        ({"resource": f"{ORIGIN}/*"}, False),
    ],
)
def test_is_canned(changes: dict[str, Any], expected: bool) -> None:
    """Call a policy canned that has no start, no address and no asterisk."""
    assert policy(**changes).is_canned is expected


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1, 18, tzinfo=UTC),
        datetime(2026, 1, 1, 18, 0, 0, 999_999, tzinfo=UTC),
        datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=9))),
    ],
)
def test_aware_datetime(moment: datetime) -> None:
    """Read an aware datetime as Unix seconds, and never a later one."""
    assert policy(date_less_than=moment).date_less_than == EXPIRES


@pytest.mark.parametrize("name", ["date_less_than", "date_greater_than"])
@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (datetime(2026, 1, 1), "without a time zone"),
        (1767290400000, "looks like milliseconds"),
        (2147483648, "later than 2147483647"),
        (9223372036854775807, "looks like milliseconds"),
        (datetime.max.replace(tzinfo=UTC), "later than 2147483647"),
        (0, "after 1970"),
        (-1, "after 1970"),
        (True, "whole Unix seconds"),
        (1767290400.0, "whole Unix seconds"),
        ("1767290400", "whole Unix seconds"),
    ],
)
def test_t30_unfit_moment(name: str, moment: object, sentence: str) -> None:
    """Refuse milliseconds, naive datetimes and what is no moment, and name it (T30)."""
    with pytest.raises(InvalidPolicy, match=f"{name} is .*{sentence}"):
        policy(**{name: moment})


def test_t21_end_is_needed() -> None:
    """Refuse a policy without an end (T21)."""
    with pytest.raises(InvalidPolicy, match="date_less_than is None"):
        policy(date_less_than=None)


def test_latest_moment() -> None:
    """Accept the last second of 2038 that every reader knows, and blame no unit after it."""
    assert policy(date_less_than=2147483647).date_less_than == 2147483647
    with pytest.raises(InvalidPolicy) as caught:
        policy(date_less_than=2147483648)
    assert "milliseconds" not in str(caught.value)


@pytest.mark.parametrize("since", [EXPIRES, EXPIRES + 1])
def test_t22_start_not_before_end(since: int) -> None:
    """Refuse a start that is not before the end (T22)."""
    with pytest.raises(InvalidPolicy, match="must be earlier than date_less_than"):
        policy(date_greater_than=since)


@pytest.mark.parametrize(
    ("given_address", "written"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.1/32", "10.0.0.1/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1/8", "10.0.0.1/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_t29_ip_address(given_address: str, written: str) -> None:
    """Write one address as a range of one, and a range as it is (T29)."""
    assert policy(ip_address=given_address).ip_address == written


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1/33",
        "10.0.0.999",
        "10.0.0",
        "10.0.0.1/",
        "/8",
        "",
        " 10.0.0.1",
        "10.0.0.1\n",
        "10.0.0.1/24\n",
        "10.0.0.1/08",
        "10.0.0.1/255.0.0.0",
        "10.0.0.1/-1",
        "010.0.0.1",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1:8001",
        'x","IpAddress":{"AWS:SourceIp":"0.0.0.0/0"},"x":{"y":"z',
        "example.com",
        "\u0661\u0660.0.0.1",
        "10.0.0.1/\u0668",
    ],
)
def test_t29_unfit_ip_address(address: str) -> None:
    """Refuse what is neither one IPv4 address nor one CIDR range (T29)."""
    with pytest.raises(InvalidPolicy, match="one IPv4 address or one CIDR range"):
        policy(ip_address=address)


@pytest.mark.parametrize("address", ["2001:db8::/32", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"])
def test_t29_ipv6(address: str) -> None:
    """Refuse IPv6, which CloudFront's policies do not know (T29)."""
    with pytest.raises(InvalidPolicy, match="IPv4 only"):
        policy(ip_address=address)


def test_t26_address_cannot_break_out_of_the_policy() -> None:
    """Refuse an address with quotes, which would add a condition of its own (T26)."""
    with pytest.raises(InvalidPolicy, match="ip_address"):
        policy(ip_address='192.168.0.0/24","IpAddress":{"AWS:SourceIp":"0.0.0.0/0')


def test_v24_published_example() -> None:
    """Read the policy that the developer guide prints in base64 (V24)."""
    text = decode_base64(PUBLISHED_EXAMPLE).decode("utf-8")
    assert text == (
        '{"Statement":[{"Resource":"http://d111111abcdef8.cloudfront.net/game_download.zip",'
        '"Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},'
        '"DateLessThan":{"AWS:EpochTime":1426500000}}}]}'
    )
    assert Policy.from_json(text) == Policy(
        resource="http://d111111abcdef8.cloudfront.net/game_download.zip",
        date_less_than=1426500000,
        ip_address="192.0.2.0/24",
    )


def test_value_semantics() -> None:
    """Compare, hash, copy and pickle by value, and stay as it is."""
    one = policy(ip_address="10.0.0.1")
    assert one == policy(ip_address="10.0.0.1/32")
    assert len({one, copy.deepcopy(one), pickle.loads(pickle.dumps(one))}) == 1  # noqa: S301
    with pytest.raises(AttributeError):
        one.resource = "*"  # type: ignore[misc]


@given(st.text())
def test_from_json_raises_its_own_error(text: str) -> None:
    """Refuse any text that is no policy with InvalidPolicy and nothing else."""
    with pytest.raises(InvalidPolicy):
        Policy.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_from_json_takes_any_json(resource: object, until: object, address: object) -> None:
    """Refuse values of any type in the places of a policy, with an error of this layer."""
    condition = {
        "DateLessThan": {"AWS:EpochTime": until},
        "IpAddress": {"AWS:SourceIp": address},
    }
    document = {"Statement": [{"Resource": resource, "Condition": condition}]}
    with pytest.raises(SigningError):
        Policy.from_json(json.dumps(document))
