"""A little DNS for tests: names by address, and addresses by name."""

import socket
from typing import Any

import pytest

UNKNOWN_HOST = socket.herror(1, "Unknown host")
UNKNOWN_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class DNS:
    """What stands in `reverse` and `forward` is said, and an error that stands there is raised."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, reverse: dict[str, Any], forward: dict[str, Any]
    ) -> None:
        self.reverse, self.forward = reverse, forward
        self.asked: list[str] = []
        monkeypatch.setattr(socket, "gethostbyaddr", self.gethostbyaddr)
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def gethostbyaddr(self, address: str) -> tuple[str, list[str], list[str]]:
        """As the system's: one name, and its other names."""
        self.asked.append(address)
        found = self.reverse.get(address, UNKNOWN_HOST)
        if isinstance(found, Exception):
            raise found
        first, *others = [found] if isinstance(found, str) else found
        return first, others, [address]

    def getaddrinfo(self, host: str, _port: None, **_given: object) -> list[tuple[Any, ...]]:
        """As the system's, of a name that ends with its dot."""
        assert host.endswith(".")
        self.asked.append(host)
        found = self.forward.get(host[:-1], UNKNOWN_NAME)
        if isinstance(found, Exception):
            raise found
        addresses = [found] if isinstance(found, str) else found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]
