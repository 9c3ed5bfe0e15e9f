"""Write what a WSGI application answers onto an HTTP/1.1 connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.utils import formatdate
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
)

_CONTROL_CHARACTERS = frozenset(map(chr, [*range(0x20), 0x7F]))
_WITHOUT_BODY = ("204", "304")


class WsgiResponse:
    """Send one response through ``send``; keep count of what was promised and what went out.

    After :meth:`send_body`, ``may_keep_alive`` says whether the viewer can
    tell where the response ended.
    """

    def __init__(
        self, send: Callable[[bytes], object], *, is_head_request: bool, keep_alive: bool
    ) -> None:
        self._send = send
        self._is_head_request = is_head_request
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._remaining: int | None = None
        self.is_on_the_wire = False
        self.may_keep_alive = keep_alive

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take status and headers, as PEP 3333 describes start_response."""
        if self._status and exc_info is None:
            raise RuntimeError("start_response was called twice without exc_info.")
        if self.is_on_the_wire and exc_info is not None and exc_info[1] is not None:
            raise exc_info[1]
        for text in (status, *(text for header in headers for text in header)):
            if not _CONTROL_CHARACTERS.isdisjoint(text):
                raise ValueError("A status or header holds a control character.")
        self._status, self._headers = status, headers
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        self._remaining = None if length is None else int(length)
        return self._write

    def send_body(self, body: Iterable[bytes]) -> None:
        """Send the head, and then the body unless the request or the status has none."""
        for chunk in body:
            if chunk:
                self._write(chunk)
        if not self.is_on_the_wire:
            self._send_head()
        if self._remaining and self._has_body:
            # Less came than was promised: only closing tells the viewer so.
            self.may_keep_alive = False

    @property
    def _has_body(self) -> bool:
        return not self._is_head_request and not self._status.startswith(_WITHOUT_BODY)

    def _write(self, chunk: bytes) -> None:
        if not self.is_on_the_wire:
            self._send_head()
        if not self._has_body:
            return
        if self._remaining is not None:
            chunk = chunk[: self._remaining]
            self._remaining -= len(chunk)
        self._send(chunk)

    def _send_head(self) -> None:
        if not self._status:
            raise RuntimeError("The application sent a body before it called start_response.")
        if self._has_body and self._remaining is None:
            # Without a length, the end of the connection ends the body.
            self.may_keep_alive = False
        headers = [*self._headers, ("Connection", "keep-alive" if self.may_keep_alive else "close")]
        if not any(name.lower() == "date" for name, _ in headers):
            headers.append(("Date", formatdate(usegmt=True)))
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in headers)]
        self.is_on_the_wire = True
        self._send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
