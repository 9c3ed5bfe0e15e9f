"""Compare what the log says with what a viewer gets to see."""

from __future__ import annotations

import logging

import pytest

from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.signing import Policy, Signer
from tests.edge import BASE, EXPIRES, IMAGE, KEY_ID, call
from tests.edge.conftest import MakeClient


class TestLog:
    def test_line_of_refusal(
        self, client: EdgeClient, signer: Signer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Log path, names of parameters and the reason of a refusal."""
        client.request("HEAD", signer.sign_url(IMAGE, date_less_than=EXPIRES), now=EXPIRES + 12)
        assert caplog.messages == [
            "403 AccessDenied HEAD /image.jpg?Expires&Signature&Key-Pair-Id&Hash-Algorithm: "
            "expired 12 s ago"
        ]

    def test_line_of_success(
        self, client: EdgeClient, signer: Signer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Log a served request in one line, at a lower level."""
        with caplog.at_level(logging.INFO, "cfsigned_django.edge"):
            client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES))
        assert caplog.messages == ["200 /image.jpg?Expires&Signature&Key-Pair-Id&Hash-Algorithm"]
        assert caplog.records[0].levelno == logging.INFO

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("Expires", "Expires"),
            ("Expires=", "Expires=x"),
            ("&", "&amp;"),
            ("Signature=", "signature="),
            ("Signature=", "Signature"),
            ("Signature=", "Signature=x"),
        ],
    )
    def test_no_signature(
        self,
        client: EdgeClient,
        signer: Signer,
        caplog: pytest.LogCaptureFixture,
        old: str,
        new: str,
    ) -> None:
        """Keep the signature out of the log, however a link was mangled."""
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        signature = url.split("Signature=")[1].split("&")[0]
        with caplog.at_level(logging.INFO, "cfsigned_django.edge"):
            client.get(url.replace(old, new))
            client.get(url + "&copy=" + signature)
        assert len(caplog.messages) == 2
        assert signature not in caplog.text

    def test_no_cookie(
        self, client: EdgeClient, signer: Signer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Keep the values of signed cookies out of the log."""
        cookies = signer.sign_cookies(Policy(resource=f"{BASE}/*", date_less_than=EXPIRES))
        client.get(IMAGE, cookies=cookies, now=EXPIRES + 1)
        assert caplog.messages == ["403 AccessDenied /image.jpg: expired 1 s ago"]

    def test_no_escape_sequence(
        self, make_client: MakeClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Write what steers a terminal as an escape."""
        call(make_client().distribution, RAW_URI="/a\x1b[31m\n200 /b")
        assert caplog.messages[0].isprintable()


def test_response_never_says_why(client: EdgeClient, signer: Signer) -> None:
    """Answer an expired and a forged URL with the same bytes."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    expired, forged = client.get(url, now=EXPIRES + 1), client.get(url + "&x=1")
    assert expired.reason != forged.reason
    assert expired.body == forged.body
    volatile = {"X-Amz-Cf-Id"}
    kept = [
        [(name, value) for name, value in each.headers.items() if name not in volatile]
        for each in (expired, forged)
    ]
    assert kept[0] == kept[1]
    assert KEY_ID not in str(kept)
