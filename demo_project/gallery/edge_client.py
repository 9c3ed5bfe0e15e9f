"""Ask the edge, or S3, for a URL and keep what it answers."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

# An error document is far shorter; of a picture, nobody needs to see more.
_MAX_BODY = 2000
_HEADERS = ("Content-Type", "Content-Length", "Server", "X-Cache", "Via", "ETag")
_TEXT = ("text/", "application/xml", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, the headers that matter, and the start of the body where it is text."""

    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def is_allowed(self) -> bool:
        """Whether the file was served."""
        return self.status == HTTPStatus.OK

    @property
    def code(self) -> str:
        """The code in an error document, such as `MissingKey`; empty where there is none."""
        found = re.search("<Code>([A-Za-z]+)</Code>", self.text)
        return found[1] if found and not self.is_allowed else ""


def ask(url: str, *, timeout: float = 5.0, whole: bool = False) -> Reply:
    """Send one GET request; raise OSError where nobody answers.

    Of the body, 2,000 bytes are read unless the whole is wanted; `timeout` is in seconds.
    """
    place = urlsplit(url)
    target = place.path + (f"?{place.query}" if place.query else "")
    connection = http.client.HTTPConnection(place.netloc, timeout=timeout)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(None if whole else _MAX_BODY)
    except http.client.HTTPException as error:
        raise OSError(f"The answer could not be read: {error}") from error
    finally:
        connection.close()
    headers = tuple((name, value) for name in _HEADERS if (value := response.getheader(name)))
    is_text = response.getheader("Content-Type", "").startswith(_TEXT)
    return Reply(
        status=response.status,
        phrase=response.reason,
        headers=headers,
        text=body.decode("utf-8", "replace") if is_text else "",
    )
