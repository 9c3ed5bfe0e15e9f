from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cfsigned_django.edge.s3_object import Outcome, evaluate, range_applies

ETAG = '"abc"'
# Half a second behind the whole one: HTTP dates cannot say so.
MODIFIED = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)
SAME = "Thu, 01 Jan 2026 12:00:00 GMT"
EARLIER = "Thu, 01 Jan 2026 11:59:59 GMT"
LATER = "Thu, 01 Jan 2026 12:00:01 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Outcome.PROCEED),
        ({"IF_NONE_MATCH": ETAG}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": 'W/"abc"'}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": '"x", "abc"'}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": "*"}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": '"x"'}, Outcome.PROCEED),
        ({"IF_NONE_MATCH": '"x"', "IF_MODIFIED_SINCE": LATER}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": SAME}, Outcome.NOT_MODIFIED),
        ({"IF_MODIFIED_SINCE": LATER}, Outcome.NOT_MODIFIED),
        ({"IF_MODIFIED_SINCE": EARLIER}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": "yesterday"}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": "Thu, 01 Jan 2026 12:00:00 -0000"}, Outcome.NOT_MODIFIED),
        ({"IF_MATCH": ETAG}, Outcome.PROCEED),
        ({"IF_MATCH": "*"}, Outcome.PROCEED),
        ({"IF_MATCH": '"x"'}, Outcome.FAILED),
        ({"IF_UNMODIFIED_SINCE": SAME}, Outcome.PROCEED),
        ({"IF_UNMODIFIED_SINCE": EARLIER}, Outcome.FAILED),
        ({"IF_MATCH": ETAG, "IF_UNMODIFIED_SINCE": EARLIER}, Outcome.PROCEED),
        ({"IF_MATCH": ETAG, "IF_NONE_MATCH": ETAG}, Outcome.NOT_MODIFIED),
    ],
)
def test_evaluate(headers: dict[str, str], expected: Outcome) -> None:
    """Follow the order in which RFC 9110 wants the conditions evaluated."""
    environ = {f"HTTP_{name}": value for name, value in headers.items()}
    assert evaluate(environ, etag=ETAG, last_modified=MODIFIED) is expected


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        (None, True),
        (ETAG, True),
        ('"x"', False),
        ('W/"abc"', False),
        (SAME, True),
        (EARLIER, False),
        (LATER, False),
        ("yesterday", False),
    ],
)
def test_range_applies(if_range: str | None, expected: bool) -> None:
    """Serve a range only of the very version that If-Range names."""
    environ = {} if if_range is None else {"HTTP_IF_RANGE": if_range}
    assert range_applies(environ, etag=ETAG, last_modified=MODIFIED) is expected
