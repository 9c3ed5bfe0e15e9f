"""Let the emulator answer with elements that no version of boto3 knows."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

NEW = "<Novelty><Enabled>true</Enabled></Novelty>"


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Any:
        """Return the body in one piece, as urllib3 does."""
        yield self.read()


def add_element(client: Any, operation: str, before: str) -> None:
    """Put an element into each answer of an operation, wherever ``before`` closes another."""

    def send(request: AWSPreparedRequest, **event: Any) -> AWSResponse:
        answer = URLLib3Session().send(request)
        body = answer.content.replace(before.encode(), f"{NEW}{before}".encode())
        headers: Any = answer.headers
        return AWSResponse(answer.url, answer.status_code, headers, _Raw(body))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}.{operation}", send)
