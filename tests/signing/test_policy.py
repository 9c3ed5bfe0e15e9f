"""Refuse what CloudFront would refuse, or read otherwise.

The bytes, and what is malformed, are in tests/vectors.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from cfsigned_django.signing import InvalidPolicy, Policy, Signer
from tests.signing.cases import EXPIRES, IMAGE as URL
from tests.storage_cases import not_refused


def policy(**changes: Any) -> Policy:
    """Return a policy for the image, with changes."""
    arguments: dict[str, Any] = {"resource": URL, "date_less_than": EXPIRES}
    return Policy(**arguments | changes)


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2026, 1, 1, 18, 0, 0, 999_999, tzinfo=UTC), EXPIRES),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=9))), EXPIRES),
        (2147483647, 2147483647),
    ],
)
def test_moments(moment: datetime | int, seconds: int) -> None:
    """Read a moment as Unix seconds, never as a later one, up to the last second of 2038."""
    assert policy(date_less_than=moment).date_less_than == seconds


MOMENTS: list[Any] = [  # T30
    *(datetime(2026, 1, 1), datetime.max.replace(tzinfo=UTC), True, 1767290400.0, "1767290400"),
    *(1767290400000, 2147483648, 9223372036854775807, 0, -1),
]
UNFIT: dict[str, list[Any]] = {
    "date_less_than": MOMENTS,
    "date_greater_than": MOMENTS,
    "ip_address": [  # T26, T29
        *("10.0.0", "10.0.0.1/", "/8", "", " 10.0.0.1", "10.0.0.1\n", "::1", "::ffff:10.0.0.1"),
        *("10.0.0.1/24\n", "10.0.0.1/08", "10.0.0.1/255.0.0.0", "010.0.0.1", "10.0.0.1/\u0668"),
        "\u0661\u0660.0.0.1",
    ],
    "resource": [  # T25, T28, T33
        *("", None, 0, b"https://h/a"),
        *("/images/*", "images/*", "ftp://h/a", "//h/a", "h/a", "http:/h/a", "https*://h/a"),
        *("https://h", 'https://example.com/file","Resource":"*","x":"'),
        *(f"https://h/a{each}b" for each in ' "\\#<>^`{|}\x00\t\n\r\x7fé한\u212a\ud800'),
    ],
}


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_argument(name: str) -> None:
    """Refuse what CloudFront would, and what grants more than it says, and name the argument."""
    seen = {
        ascii(value): not_refused(
            InvalidPolicy, name, partial(policy, allow_any_resource=True, **{name: value})
        )
        for value in UNFIT[name]
    }
    assert {value: each for value, each in seen.items() if each} == {}


_START = f',"DateGreaterThan":{{"AWS:EpochTime":{EXPIRES}}}'
#: What only a reader accepts: the resource, the end, and what else stands in the condition.
AS_SENT: list[tuple[str, int, str]] = [
    (URL, 9223372036, ""),
    (URL.replace("image.jpg", "a|b?c=|{}^`"), EXPIRES, ""),
    (URL, EXPIRES, _START),
    (URL, 9223372036, _START.replace(str(EXPIRES), "9223372035")),
]


@pytest.mark.parametrize(("resource", "until", "more"), AS_SENT)
def test_what_only_a_reader_accepts(
    resource: str, until: int, more: str, ec_signer: Signer
) -> None:
    """Refuse to sign what AWS documents and other signers make, though it is read."""
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{until}}}{more}}}'
    found = Policy.from_json(
        f'{{"Statement":[{{"Resource":"{resource}","Condition":{condition}}}]}}'
    )
    assert (found.resource, found.date_less_than) == (resource, until)
    for sign in (ec_signer.sign_policy, ec_signer.sign_cookies):
        with pytest.raises(InvalidPolicy):
            sign(found)


def test_read_again_and_signed(ec_signer: Signer) -> None:
    """Read a backslash before the question mark away: the policy that is read can be signed."""
    text = policy().to_json().replace("image.jpg", "image.jpg\\\\?size=?")
    found = Policy.from_json(text)
    assert found.resource == f"{URL}?size=?"
    assert ec_signer.sign_policy(found).policy == found


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        policy().to_json().replace(str(EXPIRES), "9" * 5000),
        '{"Statement":["DateLessThan"]}',
    ],
)
def test_v13_unreadable_policy(text: str) -> None:
    """Refuse a statement that is text, and what Python's JSON cannot read (V13)."""
    with pytest.raises(InvalidPolicy):
        Policy.from_json(text)
