"""An engine's published addresses: each end of each range, and what is no list."""

import json
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.crawlers.ranges import MOST_NETWORKS, BrokenList, Ranges, parse

LIST = {
    "creationTime": "2026-11-20T15:00:00.000000",
    "prefixes": [
        {"ipv6Prefix": "2001:4860:4801:10::/64"},
        {"ipv4Prefix": "66.249.64.32/27"},
        {"ipv4Prefix": "66.249.64.0/27"},
        {"ipv4Prefix": "192.178.4.0/24"},
        {"ipv4Prefix": "192.178.4.64/27"},
        {"ipv4Prefix": "40.77.188.7/32"},
    ],
}


def of(*prefixes: object) -> bytes:
    """A list with these prefixes."""
    return json.dumps({"prefixes": prefixes}).encode()


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("66.249.63.255", False),
        ("66.249.64.0", True),
        ("66.249.64.31", True),
        ("66.249.64.32", True),
        ("66.249.64.63", True),
        ("66.249.64.64", False),
        ("192.178.3.255", False),
        ("192.178.4.0", True),
        ("192.178.4.100", True),
        ("192.178.4.255", True),
        ("192.178.5.0", False),
        ("40.77.188.6", False),
        ("40.77.188.7", True),
        ("40.77.188.8", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("2001:4860:4801:f:ffff:ffff:ffff:ffff", False),
        ("2001:4860:4801:10::", True),
        ("2001:4860:4801:10:ffff:ffff:ffff:ffff", True),
        ("2001:4860:4801:11::", False),
        ("::", False),
        # The number of an IPv4 address as one of IPv6 is another address.
        ("::42f9:4000", False),
    ],
)
def test_a_range_ends_where_it_ends(address: str, is_in: bool) -> None:  # noqa: FBT001
    assert (ip_address(address) in parse(json.dumps(LIST).encode())) is is_in


def test_ranges_side_by_side_and_one_in_another_become_one() -> None:
    ranges = parse(json.dumps(LIST).encode())
    assert ranges.networks == 6
    assert [len(ranges.starts[version]) for version in (4, 6)] == [3, 1]
    assert ranges.starts[4] == sorted(ranges.starts[4])


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(26, 32)), min_size=1, max_size=8),
    st.integers(0, 255),
)
def test_an_address_is_in_the_ranges_if_it_is_in_a_network(given_: list[tuple[int, int]], last: int) -> None:
    networks = [ip_network((f"66.249.64.{number}", bits), strict=False) for number, bits in given_]
    address = ip_address(f"66.249.64.{last}")
    assert (address in Ranges.of(networks)) is any(address in network for network in networks)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no JSON"),
        (b"<html>Moved</html>", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "prefixes"),
        (b"{}", "prefixes"),
        (b'{"prefixes": {}}', "prefixes"),
        (of(), "prefixes"),
        (of(*[{"ipv4Prefix": "66.249.64.0/27"}] * (MOST_NETWORKS + 1)), "prefixes"),
        (of("66.249.64.0/27"), "is no prefix"),
        (of({"prefix": "66.249.64.0/27"}), "is no prefix"),
        (of({"ipv4Prefix": 1_123_631_104}), "is no prefix"),
        (of({"ipv4Prefix": "66.249.64.0/27", "ipv6Prefix": "2001:4860::/64"}), "is no prefix"),
        (of({"ipv4Prefix": "66.249.64.1/27"}), "is no network"),
        (of({"ipv4Prefix": "everybody"}), "is no network"),
        (of({"ipv4Prefix": "0.0.0.0/0"}), "too wide"),
        (of({"ipv4Prefix": "66.0.0.0/15"}), "too wide"),
        (of({"ipv6Prefix": "2001::/16"}), "too wide"),
        (of({"ipv4Prefix": "10.0.0.0/24"}), "not on the internet"),
        (of({"ipv4Prefix": "127.0.0.1/32"}), "not on the internet"),
        (of({"ipv6Prefix": "fd00::/64"}), "not on the internet"),
        (of({"ipv4Prefix": "66.249.64.0/27"}, {"ipv4Prefix": "0.0.0.0/1"}), "too wide"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(text: bytes, why: str) -> None:
    with pytest.raises(BrokenList, match=why):
        parse(text)
