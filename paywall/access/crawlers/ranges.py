"""Addresses that an engine publishes, merged: one bisect says whether one is among them. Pure."""

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from paywall.access.crawlers.engines import Address

Network = IPv4Network | IPv6Network

MOST_NETWORKS = 10_000
# The widest that the four engines publish is a /22, or a /48 of IPv6. A list that names half the internet is
# a mistake, or somebody else's.
WIDEST = {4: 16, 6: 32}
KEYS = ("ipv4Prefix", "ipv6Prefix")


class BrokenList(Exception):
    """What was fetched is no list of addresses, and why."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Networks of both versions; `starts` and `ends` by version, sorted, without overlap."""

    networks: int
    starts: dict[int, list[int]]
    ends: dict[int, list[int]]

    @classmethod
    def of(cls, networks: Iterable[Network]) -> "Ranges":
        """The ranges that these networks cover together."""
        given = list(networks)
        merged = {version: _merged(one for one in given if one.version == version) for version in WIDEST}
        starts = {version: [start for start, _ in spans] for version, spans in merged.items()}
        ends = {version: [end for _, end in spans] for version, spans in merged.items()}
        return cls(len(given), starts, ends)

    def __contains__(self, address: Address) -> bool:
        """Whether one of the networks holds the address."""
        place = bisect_right(self.starts[address.version], int(address)) - 1
        return place >= 0 and int(address) <= self.ends[address.version][place]


def parse(text: bytes) -> Ranges:
    """A list as Google, Bing, Apple and DuckDuckGo publish it; raises BrokenList for anything else.

    {"prefixes": [{"ipv4Prefix": "192.178.4.0/27"}, {"ipv6Prefix": "2001:4860:4801:10::/64"}]}
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenList("it is no JSON") from None
    prefixes = said.get("prefixes") if isinstance(said, dict) else None
    if not isinstance(prefixes, list) or not 1 <= len(prefixes) <= MOST_NETWORKS:
        raise BrokenList(f"it does not hold 1 to {MOST_NETWORKS} prefixes")
    return Ranges.of(_network(one) for one in prefixes)


def _merged(networks: Iterable[Network]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((int(one[0]), int(one[-1])) for one in networks):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _network(prefix: Any) -> Network:
    given = [prefix[key] for key in KEYS if key in prefix] if isinstance(prefix, dict) else []
    if len(given) != 1 or not isinstance(given[0], str):
        raise BrokenList(f"{prefix!r:.80} is no prefix")
    try:
        network = ip_network(given[0])
    except ValueError:
        raise BrokenList(f"{given[0]!r:.80} is no network") from None
    if network.prefixlen < WIDEST[network.version]:
        raise BrokenList(f"{network} is too wide")
    if not network.is_global:
        raise BrokenList(f"{network} is not on the internet")
    return network
