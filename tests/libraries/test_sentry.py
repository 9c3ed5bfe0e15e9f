"""Report an error to Sentry, as the page about logs shows."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from tests.libraries.cases import run
from tests.pages import HOW_TO, snippets
from tests.storage_cases import KEY_ID
from tests.test_logs import COOKIES, IN_PARTS, MARK, UPLOAD, URL

PAGE = HOW_TO / "logs.md"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Return the events that leave the process under the block of the page."""
    events: list[dict[str, Any]] = []

    class Kept(Transport):  # type: ignore[misc]
        """Keeps what is to be sent."""

        def capture_envelope(self, envelope: Any) -> None:
            """Keep the events of an envelope."""
            events.extend(json.loads(each.get_bytes()) for each in envelope.items)

    # Of all that it hooks into by itself, only what the test needs.
    hooks = {"default_integrations": False, "integrations": [LoggingIntegration()]}
    real, given = sentry_sdk.init, {"transport": Kept, "traces_sample_rate": 1.0, **hooks}
    monkeypatch.setattr(
        sentry_sdk,
        "init",
        lambda **options: real("https://key@o1.example.com/1", **given, **options),
    )
    (code,) = (each.code for each in snippets(PAGE) if "sentry_sdk" in each.code)
    with sentry_sdk.isolation_scope():
        run(PAGE, code)
        yield events
        sentry_sdk.get_client().close()
        real(default_integrations=False)


def test_events(sent: list[dict[str, Any]]) -> None:
    """Messages, variables, breadcrumbs and spans have no signature, and still the key ID."""
    with sentry_sdk.start_transaction(name="a"):
        with sentry_sdk.start_span(op="http.client", name=URL) as span:
            span.set_data("http.query", URL.partition("?")[2])
        logging.getLogger("a").warning("opened %s", URL)
        try:
            cookies, uploads = dict(COOKIES), [UPLOAD.to_dict(), IN_PARTS.to_dict()]
            raise OSError(URL, len(cookies), len(uploads))
        except OSError as error:
            sentry_sdk.capture_exception(error)

    assert [each.get("type", "error") for each in sent] == ["error", "transaction"]
    for each in map(json.dumps, sent):
        assert MARK not in each
        assert "Signature=(hidden)" in each
        assert KEY_ID in each
    assert json.dumps(sent[0]).count("(hidden)") > 6
