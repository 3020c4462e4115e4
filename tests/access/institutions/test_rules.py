"""Ranges and domains: what can be written, what overlaps, and who is inside."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.institutions.domains import PROVIDERS, refuse_public
from paywall.access.institutions.ranges import Range, merged, number
from paywall.access.institutions.table import DomainRow, RangeRow, Table, Term
from paywall.errors import BadInput
from paywall.membership.rules import Holding

NOW = datetime(2027, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
YEAR = timedelta(days=365)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.7 ", "192.0.2.7/32"),
        ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.10 - 192.0.2.20", "192.0.2.10-192.0.2.20"),
        ("192.0.2.1-192.0.2.2", "192.0.2.1-192.0.2.2"),
        ("2001:DB8::/48", "2001:db8::/48"),
        ("2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:192.0.2.1-::ffff:192.0.2.4", "192.0.2.1-192.0.2.4"),
        ("17.0.0.0/8", "17.0.0.0/8"),
    ],
)
def test_a_range_is_read_and_written_in_the_shortest_way(text: str, said: str) -> None:
    assert str(Range.read(text)) == said
    assert Range.read(said) == Range.read(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write 192.0.2.0/24"),
        ("library", "write 192.0.2.0/24"),
        ("192.0.2", "write 192.0.2.0/24"),
        ("192.0.2.0/33", "write 192.0.2.0/24"),
        ("192.0.2.7/24", "do you mean 192.0.2.0/24"),
        ("192.0.2.9-192.0.2.1", "the first must come before the last"),
        ("192.0.2.9-2001:db8::1", "the first must come before the last"),
        ("192.0.2.0/24-192.0.3.0/24", "write 192.0.2.0/24"),
        ("0.0.0.0/0", "wider than any institution"),
        ("16.0.0.0/7", "wider than any institution"),
        ("17.0.0.0-18.0.0.0", "wider than any institution"),
        ("::/0", "wider than any institution"),
        ("2001::/23", "wider than any institution"),
    ],
)
def test_what_is_no_range_is_refused_with_the_way_out(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Range.read(text)


@pytest.mark.parametrize(
    ("text", "is_private"),
    [
        ("10.1.2.0/24", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("172.0.0.0/8", True),
        ("192.168.0.0/16", True),
        ("192.167.255.0-192.168.0.0", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("169.254.1.1", True),
        ("192.0.2.0/24", False),
        ("::1", True),
        ("fd00::/32", True),
        ("fe80::1", True),
        ("2001:db8::/32", False),
    ],
)
def test_private_ranges_are_known(text: str, is_private: bool) -> None:  # noqa: FBT001
    assert Range.read(text).is_private is is_private


@pytest.mark.parametrize(
    ("address", "version"),
    [("192.0.2.7", 4), ("::ffff:192.0.2.7", 4), ("2001:db8::7", 6), ("2001:DB8:0::7", 6)],
)
def test_an_address_is_a_version_and_a_number(address: str, version: int) -> None:
    found = number(address)
    assert found
    assert found[0] == version
    assert found[1] & 0xF == 7


@pytest.mark.parametrize(
    "address", ["", "unknown", "192.0.2.7:443", "[2001:db8::7]", "192.0.2.7, 192.0.2.8", "192.0.2.07", "\0"]
)
def test_what_is_no_address_is_none(address: str) -> None:
    assert number(address) is None


def test_ranges_that_touch_are_one_and_versions_stay_apart() -> None:
    texts = ["192.0.2.128/25", "192.0.2.0/25", "192.0.2.64/26", "192.0.3.1", "::7:0/112", "2001:db8::1"]
    assert [str(one) for one in merged(Range.read(text) for text in texts)] == [
        "192.0.2.0/24",
        "192.0.3.1/32",
        "::7:0/112",
        "2001:db8::1/128",
    ]
    assert merged([]) == []


SMALL = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda ends: Range(4, ends[0], sum(ends)))


@given(st.lists(SMALL))
def test_merging_keeps_each_address_and_adds_none(ranges: list[Range]) -> None:
    found = merged(ranges)
    inside = {one for span in ranges for one in range(span.first, span.last + 1)}
    assert {one for span in found for one in range(span.first, span.last + 1)} == inside
    assert all(before.last + 1 < after.first for before, after in pairwise(found))


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "students.gmail.com",
        "yahoo.co.uk",
        "yahoo.fr",
        "mail.yahoo.com",
        "hotmail.com.br",
        "gmx.net",
        "outlook.com",
        "live.bg",
        "abv.bg",
        "ac.uk",
        "edu.bg",
        "co.jp",
        *sorted(PROVIDERS)[:3],
    ],
)
def test_where_anyone_has_an_address_nobody_reads_by_it(domain: str) -> None:
    with pytest.raises(BadInput, match=r"open the paper to everybody|no institution's domain"):
        refuse_public(domain)


@pytest.mark.parametrize(
    "domain",
    [
        "uni-sofia.bg",
        "library.example.org",
        "ox.ac.uk",
        "law.uni.edu.bg",
        "outlook.uni.bg",
        "live.bbc.uk",
        "notgmail.com",
        "gmail.com.uni.example",
        "ac.example",
    ],
)
def test_a_domain_of_its_own_is_an_institutions(domain: str) -> None:
    refuse_public(domain)


def term(
    institution: int, plan: str = "", *, since: datetime = NOW - YEAR, until: datetime = NOW + YEAR
) -> Term:
    return Term(institution, Holding(plan, until), since)


def table(*rows: tuple[Term, str], now: datetime = NOW) -> Table:
    """A table of ranges and of domains, which have an @ before them, and a + if those below are in, too."""
    domains = [(of, text.rpartition("@")) for of, text in rows if "@" in text]
    named = [DomainRow(of, name, plus == "+") for of, (plus, _at, name) in domains]
    return Table(named, [RangeRow(of, Range.read(text)) for of, text in rows if "@" not in text], now)


@pytest.mark.parametrize(
    ("address", "institution"),
    [
        ("192.0.1.255", None),
        ("192.0.2.0", 1),
        ("192.0.2.255", 1),
        ("::ffff:192.0.2.255", 1),
        ("192.0.3.0", 2),
        ("192.0.3.9", 2),
        ("192.0.3.10", None),
        ("255.255.255.255", None),
        ("0.0.0.0", None),
        ("2001:db8::", 2),
        ("2001:db8:0:ffff:ffff:ffff:ffff:ffff", 2),
        ("2001:db8:1::", None),
        ("::", None),
        ("192.0.2.7:443", None),
        ("", None),
    ],
)
def test_who_sits_in_a_range_reads(address: str, institution: int | None) -> None:
    two = term(2, "circle")
    known = table(
        (term(1), "192.0.2.128/25"),
        (two, "192.0.3.0-192.0.3.9"),
        (term(1), "192.0.2.0/25"),
        (two, "2001:db8::/48"),
    )
    found = known.by_address(address)
    assert (found and found.institution) == institution


@pytest.mark.parametrize(
    ("email", "institution"),
    [
        ("ana@uni.example", 1),
        ("ana@law.uni.example", 1),
        ("ana@a.b.law.uni.example", 1),
        ("ana@med.uni.example", 2),
        ("ana@a.med.uni.example", 1),
        ("ana@city.example", 2),
        ("ana@west.city.example", None),
        ("ana@notuni.example", None),
        ("ana@uni.example.org", None),
        ("uni.example", 1),
        ("ana@example", None),
        ("", None),
    ],
)
def test_who_has_an_address_at_a_domain_reads(email: str, institution: int | None) -> None:
    known = table((term(1), "+@uni.example"), (term(2), "@med.uni.example"), (term(2), "@city.example"))
    found = known.by_email(email)
    assert (found and found.institution) == institution


@pytest.mark.parametrize(
    ("since", "until", "reads"),
    [
        (NOW, NOW + INSTANT, True),
        (NOW + INSTANT, NOW + YEAR, False),
        (NOW - YEAR, NOW + INSTANT, True),
        (NOW - YEAR, NOW, False),
        (NOW, NOW, False),
    ],
)
def test_a_term_holds_from_its_first_instant_to_just_before_its_last(
    since: datetime,
    until: datetime,
    reads: bool,  # noqa: FBT001
) -> None:
    of = term(1, since=since, until=until)
    known = table((of, "192.0.2.0/24"), (of, "@uni.example"))
    assert bool(known.by_address("192.0.2.1")) is reads
    assert bool(known.by_email("ana@uni.example")) is reads


def test_a_table_knows_from_when_to_when_it_is_true() -> None:
    known = table(
        (term(1, since=NOW, until=NOW + YEAR), "192.0.2.0/24"),
        (term(2, since=NOW - YEAR, until=NOW), "192.0.2.0/24"),
    )
    assert [known.is_for(at) for at in (NOW - INSTANT, NOW, NOW + YEAR - INSTANT, NOW + YEAR)] == [
        False,
        True,
        True,
        False,
    ]
    found = known.by_address("192.0.2.1")
    assert found
    assert found.institution == 1
    assert table().is_for(NOW)


@given(st.lists(SMALL, max_size=8), st.lists(SMALL, max_size=8), st.integers(0, 80))
def test_bisecting_finds_what_looking_at_each_finds(
    ones: list[Range], twos: list[Range], wanted: int
) -> None:
    twos = [span for span in twos if not any(span.overlaps(one) for one in ones)]
    rows = [RangeRow(term(1), span) for span in ones] + [RangeRow(term(2), span) for span in twos]
    found = Table([], rows, NOW).by_address(str(ip_address(wanted)))
    holds = {row.term.institution for row in rows if row.range.first <= wanted <= row.range.last}
    assert {found.institution} == holds if found else not holds
