"""Say what each answer of CloudFront and S3 means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate

import pytest

from cfsigned_django.doctor.findings import Level
from cfsigned_django.doctor.live import RequestedObject, examine_live, has_fault
from cfsigned_django.viewer import Answer, NoAnswer
from tests.doctor import faults, ids
from tests.doctor.played import (
    DIRECT,
    HEADERS,
    NOW,
    ORIGIN,
    PAGE,
    SERVED,
    URL,
    answering,
    clock,
    edge,
    s3,
)


def test_healthy(wanted: RequestedObject) -> None:
    """Say what was tried and was as it should be."""
    found = list(examine_live(wanted, answering(), clock))

    assert ids(found) == [
        "clock",
        "unsigned-refused",
        "signed-served",
        "tampered-refused",
        "expired-refused",
        "s3-private",
    ]
    assert {each.level for each in found} == {Level.OK}


@pytest.mark.parametrize(
    ("unsigned", "kind_id"),
    [
        (SERVED, "unsigned-served"),
        (replace(SERVED, status=200), "unsigned-served"),
        (replace(SERVED, status=304), "unsigned-served"),
        (replace(SERVED, status=416), "unsigned-served"),
        (s3("AccessDenied"), "unsigned-forwarded"),
        (s3("NoSuchKey", 404), "unsigned-forwarded"),
        (edge("AccessDenied"), "strange-answer"),
        (Answer(status=404, headers=HEADERS, body=b"gone"), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
        (Answer(status=405, headers={**HEADERS, "content-type": "text/html"}), "html-answer"),
        (Answer(status=301, headers={**HEADERS, "location": f"{URL}?a"}), "redirected"),
        (Answer(status=307, headers=HEADERS), "redirected"),
        (Answer(status=502, headers=HEADERS, body=PAGE), "server-error"),
        (Answer(status=403, headers={"server": "nginx"}, body=PAGE), "not-cloudfront"),
        (Answer(status=200, headers={}), "not-cloudfront"),
    ],
)
def test_unsigned(unsigned: Answer, kind_id: str, wanted: RequestedObject) -> None:
    """Name what a request without a signature meets, and ask CloudFront no more."""
    found = list(examine_live(wanted, answering(unsigned=unsigned), clock))

    assert faults(found) == [kind_id]
    assert ids(found)[-2:] == [kind_id, "s3-private"]


@pytest.mark.parametrize(
    ("signed", "kind_id"),
    [
        (edge("InvalidKey"), "signed-unknown-key"),
        (edge("AccessDenied"), "signed-denied"),
        (edge("MissingKey"), "signed-missing-key"),
        (edge("MalformedPolicy"), "signed-malformed"),
        (edge("MalformedSignature"), "signed-malformed"),
        (s3("AccessDenied"), "signed-s3-denied"),
        (s3("NoSuchKey", 404), "signed-not-found"),
        (s3("InvalidRequest", 400), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=b"no"), "strange-answer"),
        (Answer(status=403, headers=HEADERS, body=PAGE), "html-answer"),
        (Answer(status=504, headers=HEADERS), "server-error"),
    ],
)
def test_signed(signed: Answer, kind_id: str, wanted: RequestedObject) -> None:
    """Name what a request with a fresh signature meets."""
    assert faults(examine_live(wanted, answering(signed=signed), clock)) == [kind_id]


@pytest.mark.parametrize("answer", [SERVED, s3("AccessDenied")], ids=["served", "S3"])
def test_signature_is_not_checked(answer: Answer, wanted: RequestedObject) -> None:
    """Report that a changed or an expired URL is let through."""
    fetch = answering(tampered=answer, expired=answer)

    assert faults(examine_live(wanted, fetch, clock)) == ["tampered-served", "expired-served"]


def test_strange_refusal(wanted: RequestedObject) -> None:
    """Report a refusal that is another than CloudFront's."""
    fetch = answering(tampered=edge("InvalidKey"), expired=Answer(status=404, headers=HEADERS))

    assert faults(examine_live(wanted, fetch, clock)) == ["strange-answer", "strange-answer"]


def test_no_object_named(wanted: RequestedObject) -> None:
    """Take S3's refusal for good where no object was named, and leave CORS untried."""
    nothing = replace(wanted, why_no_object="No object was named (--object)", cors_origins=[ORIGIN])

    found = list(examine_live(nothing, answering(signed=s3("AccessDenied")), clock))

    assert faults(found) == []
    assert {"signed-passes", "tampered-refused", "expired-refused", "cors-untested"} <= {
        *ids(found)
    }


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, False),
        ({"unsigned": SERVED}, True),
        ({"unsigned": s3("AccessDenied")}, True),
        ({"unsigned": Answer(status=301, headers=HEADERS)}, False),
        ({"unsigned": Answer(status=403, headers=HEADERS, body=PAGE)}, False),
        ({"unsigned": Answer(status=403, headers={"server": "nginx"})}, False),
        ({"signed": s3("AccessDenied")}, True),
        ({"signed": s3("NoSuchKey", 404)}, True),
        ({"signed": Answer(status=404, headers=HEADERS)}, False),
        ({"signed": edge("InvalidKey")}, True),
        ({"signed": edge("MissingKey")}, True),
        ({"signed": edge("AccessDenied")}, True),
        ({"signed": Answer(status=502, headers=HEADERS, body=PAGE)}, False),
        ({"expired": SERVED}, True),
        ({"direct": replace(SERVED, status=200)}, True),
        ({"direct": s3("NoSuchKey", 404)}, True),
        ({"direct": s3("PermanentRedirect", 301)}, False),
        ({"direct": Answer(status=503, headers=HEADERS)}, False),
    ],
)
def test_fault_of_a_setup(
    answers: dict[str, Answer], expected: bool, wanted: RequestedObject
) -> None:
    """Call only that a fault which an answer of CloudFront or S3 proves."""
    assert has_fault(examine_live(wanted, answering(**answers), clock)) is expected


def test_nobody_signs(wanted: RequestedObject) -> None:
    """Ask without a signature where none can be made, and for nothing else."""
    unsigned = replace(wanted, signer=None, direct_url=None)

    found = list(examine_live(unsigned, answering(), clock))

    assert ids(found) == ["clock", "unsigned-refused"]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_no_answer(last: int, wanted: RequestedObject) -> None:
    """Say that no answer came, and still ask S3."""
    sent: list[str] = []

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        sent.append(url)
        if len(sent) > last and not url.startswith(DIRECT):
            raise NoAnswer("Connection refused")
        return answering()(url, headers)

    found = list(examine_live(wanted, fetch, clock))

    assert faults(found) == ["no-answer"]
    assert ids(found)[-1] == "s3-private"
    assert "Connection refused" in next(each.what for each in found if each.id == "no-answer")


@pytest.mark.parametrize(
    ("ahead", "kind_id"),
    [
        (0, "clock"),
        (30, "clock"),
        (31, "clock-off"),
        (-31, "clock-off"),
        (300, "clock-off"),
        (301, "clock-wrong"),
        (-86_400, "clock-wrong"),
    ],
)
def test_clock(ahead: int, kind_id: str, wanted: RequestedObject) -> None:
    """Compare the clock with CloudFront's, and sign by CloudFront's."""
    found = list(examine_live(wanted, answering(), lambda: NOW + ahead))

    assert ids(found)[0] == kind_id
    assert faults(found) == ([] if kind_id == "clock" else [kind_id])


def test_clock_of_short_links(wanted: RequestedObject) -> None:
    """Call a clock wrong that is off by more than links live."""
    found = list(examine_live(replace(wanted, expire=60), answering(), lambda: NOW - 61))

    assert found[0].id == "clock-wrong"
    assert found[0].what == "The clock is 1 min 1 s behind CloudFront's; links live 1 min."


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_no_date(date: str, wanted: RequestedObject) -> None:
    """Say that the clock could not be compared."""
    answer = replace(edge("MissingKey"), headers={**HEADERS, "date": date})

    assert faults(examine_live(wanted, answering(unsigned=answer), clock)) == ["clock-unknown"]


def test_age_of_a_cached_answer(wanted: RequestedObject) -> None:
    """Count in how long an answer has lain in a cache."""
    headers = {**HEADERS, "date": formatdate(NOW - 5000, usegmt=True), "age": "5000"}
    answer = replace(edge("MissingKey"), headers=headers)

    assert faults(examine_live(wanted, answering(unsigned=answer), clock)) == []
