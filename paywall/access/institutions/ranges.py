"""Ranges of network addresses: read, merged, and compared. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from paywall.errors import BadInput

Address = IPv4Address | IPv6Address
# Not 2001:db8::/32 and its like, which no visitor comes from. These a proxy of our own may well have.
PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/127",
    "fc00::/7",
    "fe80::/10",
)
# Wider than any institution's: a slip of the pen that would open the paper to the world.
WIDEST = {4: 2**24, 6: 2**104}


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Addresses from `first` to `last`, both in it, as numbers; `version` is 4 or 6."""

    version: int
    first: int
    last: int

    @classmethod
    def read(cls, text: str) -> "Range":
        """What staff write: 192.0.2.0/24, 192.0.2.10-192.0.2.20, one address, or IPv6. Raises BadInput."""
        first, last = _ends(text.strip())
        if first.version != last.version or int(first) > int(last):
            raise BadInput(f"{text!r} is no range of addresses: the first must come before the last.")
        found = cls(first.version, int(first), int(last))
        if found.last - found.first >= WIDEST[found.version]:
            raise BadInput(f"{text} is wider than any institution's network: check both ends.")
        return found

    def __str__(self) -> str:
        first, last = self.ends
        size = self.last - self.first + 1
        if self.first % size == 0 and size & (size - 1) == 0:
            return str(ip_network((first, first.max_prefixlen - size.bit_length() + 1)))
        return f"{first}-{last}"

    @property
    def ends(self) -> tuple[Address, Address]:
        """The first address and the last."""
        kind = IPv4Address if self.version == 4 else IPv6Address
        return kind(self.first), kind(self.last)

    @property
    def is_private(self) -> bool:
        """Whether any of it is private: such an address says nothing of where a visitor sits."""
        return any(self.overlaps(one) for one in _PRIVATE)

    def overlaps(self, other: "Range") -> bool:
        """Whether an address is in both."""
        return self.version == other.version and self.first <= other.last and other.first <= self.last

    def holds(self, other: "Range") -> bool:
        """Whether all of the other is in this one."""
        return self.version == other.version and self.first <= other.first and other.last <= self.last


def number(address: str) -> tuple[int, int] | None:
    """An address as version and number, IPv4 dressed up as IPv6 as IPv4; None for what is none."""
    try:
        found = _plain(ip_address(address))
    except ValueError:
        return None
    return found.version, int(found)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same addresses in the fewest ranges, in order."""
    found: list[Range] = []
    for one in sorted(ranges):
        before = found[-1] if found else None
        if before and before.version == one.version and one.first <= before.last + 1:
            found[-1] = Range(one.version, before.first, max(before.last, one.last))
        else:
            found.append(one)
    return found


def _ends(text: str) -> tuple[Address, Address]:
    first, dash, last = text.partition("-")
    try:
        if dash:
            return _plain(ip_address(first.strip())), _plain(ip_address(last.strip()))
        network = ip_network(text)
        return _plain(network[0]), _plain(network[-1])
    except ValueError:
        raise BadInput(f"{text!r} is no range of addresses: {_instead(text)}") from None


def _instead(text: str) -> str:
    try:
        return f"do you mean {ip_network(text, strict=False)}?"
    except ValueError:
        return "write 192.0.2.0/24, 2001:db8::/48 or 192.0.2.10-192.0.2.20."


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(text: str) -> Range:
    network = ip_network(text)
    return Range(network.version, int(network[0]), int(network[-1]))


_PRIVATE = tuple(_network(text) for text in PRIVATE)
