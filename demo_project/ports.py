"""Find ports for the servers of the demo, and keep them until each server takes its own."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Self

HOST = "127.0.0.1"


class HeldPorts:
    """Ports that nobody else gets: for each name the wanted one if it is free, else another.

    Nobody answers on them. What is left is given back at the end of the `with` block.
    """

    def __init__(self, wanted: Mapping[str, int]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        try:
            for name, port in wanted.items():
                self._sockets[name] = _bind(port)
        except OSError:
            self.close()
            raise
        self.ports = {name: each.getsockname()[1] for name, each in self._sockets.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def give(self, name: str) -> None:
        """Let the server of this name have its port."""
        self._sockets.pop(name).close()

    def close(self) -> None:
        """Give back every port."""
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()


def choose_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """Return the wanted port for each name where it is free, and another free one where not."""
    with HeldPorts(wanted) as held:
        return held.ports


def _bind(port: int) -> socket.socket:
    """Return a socket that has the port, or another one."""
    # A port that a server of this demo had until a moment ago can be shared only. That comes
    # second: who starts at the same time could share it, too.
    for candidate, shares in ((port, False), (port, True), (0, False)):
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shares)
        try:
            held.bind((HOST, candidate))
        except OSError:
            held.close()
        else:
            return held
    raise OSError(f"No free port on {HOST}.")
