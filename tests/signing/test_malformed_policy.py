"""Read policies that came with a request: those that CloudFront takes, and no other."""

from __future__ import annotations

import json

import pytest

from cfsigned_django.signing import InvalidPolicy, Policy
from tests.signing.cases import EXPIRES, ORIGIN

URL = f"{ORIGIN}/image.jpg"
UNTIL = f'"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}'
GOOD = f'{{"Statement":[{{"Resource":"{URL}","Condition":{{{UNTIL}}}}}]}}'

# V19: what the guide leaves free.
SAME = {
    "as it is written": GOOD,
    "white space": GOOD.replace(":{", ": \r\n\t{ "),
    "one stray space": GOOD.replace(":[{", ": [{"),
    "line end": GOOD + "\n",
    "escaped slashes": GOOD.replace("/", "\\/"),
    "escaped letters": GOOD.replace("image", "\\u0069mage"),
    "Condition first": f'{{"Statement":[{{"Condition":{{{UNTIL}}},"Resource":"{URL}"}}]}}',
}

MALFORMED = {
    "empty": "",
    "no JSON": "undefined",
    "cut": GOOD[:-1],
    "text behind it": GOOD + "x",
    "byte order mark": "\ufeff" + GOOD,
    "list": "[]",
    "number": "1",
    "null": "null",
    "empty object": "{}",
    "Statement object": GOOD.replace("[", "").replace("]", ""),
    "no statement": '{"Statement":[]}',
    "statement null": '{"Statement":[null]}',
    "two statements": GOOD.replace("}]}", "},{}]}"),
    "no Condition": f'{{"Statement":[{{"Resource":"{URL}"}}]}}',
    "Condition list": GOOD.replace(f"{{{UNTIL}}}", "[]"),
    "no DateLessThan": GOOD.replace(UNTIL, '"IpAddress":{"AWS:SourceIp":"10.0.0.0/8"}'),
    "milliseconds": GOOD.replace(str(EXPIRES), f"{EXPIRES}000"),
    "quoted time": GOOD.replace(str(EXPIRES), f'"{EXPIRES}"'),
    "float time": GOOD.replace(str(EXPIRES), f"{EXPIRES}.0"),
    "exponent": GOOD.replace(str(EXPIRES), "1e9"),
    "true": GOOD.replace(str(EXPIRES), "true"),
    "NaN": GOOD.replace(str(EXPIRES), "NaN"),
    "infinity": GOOD.replace(str(EXPIRES), "Infinity"),
    "leading zero": GOOD.replace(str(EXPIRES), f"0{EXPIRES}"),
    "negative": GOOD.replace(str(EXPIRES), "-1"),
    "null time": GOOD.replace(str(EXPIRES), "null"),
    "bare time": GOOD.replace(f'{{"AWS:EpochTime":{EXPIRES}}}', str(EXPIRES)),
    "5000 digits": GOOD.replace(str(EXPIRES), "9" * 5000),
    "abbreviated name": GOOD.replace("DateLessThan", "DateLess"),
    "other case": GOOD.replace("DateLessThan", "dateLessThan"),
    "unknown condition": GOOD.replace(UNTIL, UNTIL + ',"StringLike":{"x":"y"}'),
    "unknown key in a condition": GOOD.replace(f"{EXPIRES}}}", f'{EXPIRES},"x":1}}'),
    "wrong key in a condition": GOOD.replace("AWS:EpochTime", "AWS:SourceIp"),
    "unknown key in the statement": GOOD.replace('"Resource"', '"Effect":"Allow","Resource"'),
    "unknown key in the document": GOOD.replace("{", '{"Version":"2012-10-17",', 1),
    "repeated time": GOOD.replace(UNTIL, f"{UNTIL},{UNTIL}"),
    "repeated resource": GOOD.replace('"Resource"', '"Resource":"*","Resource"'),
    "repeated statement": GOOD.replace("{", '{"Statement":[],', 1),
    "Resource list": GOOD.replace(f'"{URL}"', f'["{URL}"]'),
    "Resource null": GOOD.replace(f'"{URL}"', "null"),
    "Resource empty": GOOD.replace(URL, ""),
    "Resource relative": GOOD.replace(URL, "/image.jpg"),
    "Resource with a quote": GOOD.replace("image", "\\u0022"),
    "Resource with a backslash": GOOD.replace("image", "\\\\"),
    "Resource with a line end": GOOD.replace("image", "\\n"),
    "Resource not ASCII": GOOD.replace("image", "\\uac00"),
    "address empty": GOOD.replace(UNTIL, UNTIL + ',"IpAddress":{"AWS:SourceIp":""}'),
    "address IPv6": GOOD.replace(UNTIL, UNTIL + ',"IpAddress":{"AWS:SourceIp":"::1"}'),
    "address number": GOOD.replace(UNTIL, UNTIL + ',"IpAddress":{"AWS:SourceIp":1}'),
    "address list": GOOD.replace(UNTIL, UNTIL + ',"IpAddress":{"AWS:SourceIp":["10.0.0.1"]}'),
    "start after end": GOOD.replace(
        UNTIL, UNTIL + f',"DateGreaterThan":{{"AWS:EpochTime":{EXPIRES}}}'
    ),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_v19_same_policy(text: str) -> None:
    """Read the same policy whatever its white space, escapes and order (V19)."""
    assert Policy.from_json(text) == Policy(resource=URL, date_less_than=EXPIRES)


def test_v19_order_of_conditions() -> None:
    """Read conditions in any order (V19)."""
    conditions = {
        "DateGreaterThan": {"AWS:EpochTime": 1767200000},
        "IpAddress": {"AWS:SourceIp": "10.0.0.0/8"},
        "DateLessThan": {"AWS:EpochTime": EXPIRES},
    }
    text = json.dumps({"Statement": [{"Resource": URL, "Condition": conditions}]})
    assert Policy.from_json(text) == Policy(
        resource=URL,
        date_less_than=EXPIRES,
        date_greater_than=1767200000,
        ip_address="10.0.0.0/8",
    )


def test_missing_resource_means_any() -> None:
    """Read a policy without Resource as the guide does: it covers everything."""
    assert Policy.from_json(GOOD.replace(f'"Resource":"{URL}",', "")).resource == "*"


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_v13_malformed_policy(text: str) -> None:
    """Refuse what CloudFront calls malformed, and where nobody knows, that as well (V13)."""
    assert text != GOOD
    with pytest.raises(InvalidPolicy):
        Policy.from_json(text)
