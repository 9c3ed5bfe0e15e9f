"""Write and read policies in CloudFront's bytes, and refuse what it would refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from cfsigned_django.signing import InvalidPolicy, Policy, Signer
from tests.signing.cases import EXPIRES, IMAGE as URL
from tests.storage_cases import not_refused

UNTIL = f'"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}'
GOOD = f'{{"Statement":[{{"Resource":"{URL}","Condition":{{{UNTIL}}}}}]}}'

# V19: what the guide leaves free.
SAME = {
    "as it is written": GOOD,
    "white space": GOOD.replace(":{", ": \r\n\t{ "),
    "escaped slashes": GOOD.replace("/", "\\/"),
    "escaped letters": GOOD.replace("image", "\\u0069mage"),
    "Condition first": f'{{"Statement":[{{"Condition":{{{UNTIL}}},"Resource":"{URL}"}}]}}',
}

MALFORMED = {
    "empty": "",
    "no JSON": "undefined",
    "cut": GOOD[:-1],
    "text behind it": GOOD + "x",
    "list": "[]",
    "Statement object": GOOD.replace("[", "").replace("]", ""),
    "no statement": '{"Statement":[]}',
    "two statements": GOOD.replace("}]}", "},{}]}"),
    "no Condition": f'{{"Statement":[{{"Resource":"{URL}"}}]}}',
    "Condition list": GOOD.replace(f"{{{UNTIL}}}", "[]"),
    "no DateLessThan": GOOD.replace(UNTIL, '"IpAddress":{"AWS:SourceIp":"10.0.0.0/8"}'),
    **{
        f"time {value[:20]}": GOOD.replace(str(EXPIRES), value)
        for value in [
            *(f"{EXPIRES}000", f'"{EXPIRES}"', f"{EXPIRES}.0", f"0{EXPIRES}", "9" * 5000),
            *("9223372037", "9223372036854775807"),
            *("1e9", "true", "NaN", "Infinity", "-1", "null"),
        ]
    },
    "bare time": GOOD.replace(f'{{"AWS:EpochTime":{EXPIRES}}}', str(EXPIRES)),
    "unknown condition": GOOD.replace(UNTIL, UNTIL + ',"StringLike":{"x":"y"}'),
    "unknown key in a condition": GOOD.replace(f"{EXPIRES}}}", f'{EXPIRES},"x":1}}'),
    "unknown key in the statement": GOOD.replace('"Resource"', '"Effect":"Allow","Resource"'),
    "unknown key in the document": GOOD.replace("{", '{"Version":"2012-10-17",', 1),
    "repeated time": GOOD.replace(UNTIL, f"{UNTIL},{UNTIL}"),
    "repeated statement": GOOD.replace("{", '{"Statement":[],', 1),
    **{
        f"Resource {value}": GOOD.replace(f'"{URL}"', value)
        for value in [
            *(f'["{URL}"]', "null", '""', '"/image.jpg"', '"https://h/\\u0022"'),
            *('"https://h/\\\\"', '"https://h/\\n"', '"https://h/\\uac00"', '"https://h/{x}"'),
            # A backslash that does not escape the question mark which begins the query.
            *('"https://h/a?b\\\\?c"', '"https://h/a\\\\\\?b"', '"https://h/a\\\\b?c"', '"\\?"'),
        ]
    },
    **{
        f"address {value}": GOOD.replace(UNTIL, f'{UNTIL},"IpAddress":{{"AWS:SourceIp":{value}}}')
        for value in ['""', '"::1"', "1", '["10.0.0.1"]']
    },
    "start after 2262": GOOD.replace(
        UNTIL, UNTIL + ',"DateGreaterThan":{"AWS:EpochTime":9223372037}'
    ),
    "deep": "[" * 100_000,
}


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
        *("10.0.0.1/33", "10.0.0.999", "10.0.0", "10.0.0.1/", "/8", "", " 10.0.0.1", "10.0.0.1\n"),
        *("10.0.0.1/24\n", "10.0.0.1/08", "10.0.0.1/255.0.0.0", "010.0.0.1", "10.0.0.1/\u0668"),
        *("2001:db8::/32", "::1", "::ffff:10.0.0.1", "\u0661\u0660.0.0.1"),
        '192.168.0.0/24","IpAddress":{"AWS:SourceIp":"0.0.0.0/0',
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


@pytest.mark.parametrize(
    ("given_address", "written"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.1/8", "10.0.0.1/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_t29_ip_address(given_address: str, written: str) -> None:
    """Write one address as a range of one, and a range as it is (T29)."""
    assert policy(ip_address=given_address).ip_address == written


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_v19_same_policy(text: str) -> None:
    """Read the same policy whatever its white space, escapes and order (V19)."""
    assert Policy.from_json(text) == Policy(resource=URL, date_less_than=EXPIRES)


#: What only a reader accepts: the text that replaces another in a good policy, and what is read.
AS_SENT: list[tuple[str, str, dict[str, Any]]] = [
    # "Create a signed URL using a custom policy": dates until April 11, 2262.
    (str(EXPIRES), "9223372036", {"date_less_than": 9223372036}),
    # The same page until 2023: a backslash before the question mark that begins the query.
    ("image.jpg", "image.jpg\\\\?size=?", {"resource": f"{URL}?size=?"}),
    # URL Standard, "Percent-encoded bytes": browsers send these unencoded.
    ("image.jpg", "a|b?c=|{}^`", {"resource": URL.replace("image.jpg", "a|b?c=|{}^`")}),
    # No page calls it malformed: its conditions are never met.
    (
        UNTIL,
        UNTIL + f',"DateGreaterThan":{{"AWS:EpochTime":{EXPIRES}}}',
        {"date_greater_than": EXPIRES},
    ),
]


@pytest.mark.parametrize(("old", "new", "read"), AS_SENT, ids=[row[1] for row in AS_SENT])
def test_what_only_a_reader_accepts(
    old: str, new: str, read: dict[str, Any], ec_signer: Signer
) -> None:
    """Read what AWS documents and other signers make, and still refuse to sign it."""
    found = Policy.from_json(GOOD.replace(old, new))
    assert {name: getattr(found, name) for name in read} == read
    if "\\" in new:  # The policy that is read has none, and can be signed.
        assert ec_signer.sign_policy(found).policy == found
        return
    with pytest.raises(InvalidPolicy):
        policy(**read)
    for sign in (ec_signer.sign_policy, ec_signer.sign_cookies):
        with pytest.raises(InvalidPolicy):
            sign(found)


def test_v13_malformed_policy() -> None:
    """Refuse what CloudFront calls malformed, and what AWS does not document (V13)."""
    assert GOOD not in MALFORMED.values()
    seen = {
        what: not_refused(InvalidPolicy, "", partial(Policy.from_json, text))
        for what, text in MALFORMED.items()
    }
    assert {what: each for what, each in seen.items() if each} == {}
