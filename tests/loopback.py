"""The guard at the network: in tests nothing is reached but this machine."""

import socket
from ipaddress import ip_address
from typing import Any

NAMES = frozenset({"localhost", "", None})


class ReachedOut(AssertionError):
    """A test tried to reach something that is not this machine."""


def guard() -> None:
    """From now on every connection and every look-up of a name that leaves this machine is refused."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
    name_of = socket.gethostbyaddr

    def guarded_connect(self: socket.socket, address: Any, /) -> None:
        _check(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any, /) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _here(host):
            raise ReachedOut(f"a test looked up {host!r}")
        return look_up(host, *args, **kwargs)

    def guarded_name(address: str) -> Any:
        if address == socket.gethostname():
            raise socket.herror("in tests this machine's own name is looked up nowhere")
        if not _here(address):
            raise ReachedOut(f"a test asked for the name of {address!r}")
        return name_of(address)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign,assignment]  # the guard stands here
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign,assignment]  # and here
    socket.getaddrinfo = guarded_look_up
    socket.gethostbyaddr = guarded_name


def _check(family: int, address: Any) -> None:
    if family != socket.AF_UNIX and not _here(address[0]):
        raise ReachedOut(f"a test connected to {address!r}")


def _here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in NAMES:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
