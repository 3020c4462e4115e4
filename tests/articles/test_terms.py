"""Which gate an article has: the order of its own word, rules, default, windows and unlocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.decision import Gate, Level, Show, Visitor, decide
from paywall.articles.terms import About, House, Rule, Terms, Unlock, gate

OUT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
ABOUT = About(7, "city", frozenset({"floods", "winter"}), OUT)
CITY = Rule(Terms("registered"), section="city")
FLOODS = Rule(Terms("public"), tag="floods")


def stands(own: Terms, house: House, now: datetime = OUT, about: About = ABOUT) -> str:
    return str(gate(own, about, house).at(now))


@pytest.mark.parametrize(
    ("own", "rules", "found"),
    [
        ("", (), "patrons"),
        ("", (CITY,), "registered"),
        ("", (CITY, FLOODS), "registered"),
        ("", (FLOODS, CITY), "public"),
        ("", (Rule(Terms("public"), section="culture"), CITY), "registered"),
        ("", (Rule(Terms("public"), tag="flood"),), "patrons"),
        ("", (Rule(Terms("plan:circle")), FLOODS), "plan:circle"),
        ("plan:circle", (FLOODS, CITY), "plan:circle"),
        ("members", (FLOODS,), "unknown"),
        ("", (Rule(Terms("members")),), "unknown"),
        ("", (Rule(Terms("", archive_days=9), section="city"), FLOODS), "patrons"),
    ],
)
def test_the_own_word_comes_before_the_first_rule_and_that_before_the_default(
    own: str, rules: tuple[Rule, ...], found: str
) -> None:
    assert stands(Terms(own), House("patrons", rules)) == found


@pytest.mark.parametrize(
    ("own", "times"),
    [
        (Terms("patrons", free_until=OUT + DAY), {-DAY: "public", DAY - SECOND: "public", DAY: "patrons"}),
        (
            Terms("patrons", free_from=OUT + DAY),
            {DAY - SECOND: "patrons", DAY: "public", 999 * DAY: "public"},
        ),
        (
            Terms("public", first_hours=48),
            {0 * DAY: "patrons", 2 * DAY - SECOND: "patrons", 2 * DAY: "public"},
        ),
        (Terms("registered", archive_days=30), {30 * DAY - SECOND: "registered", 30 * DAY: "patrons"}),
        (Terms("public", archive_days=0), {0 * DAY: "patrons"}),
        (
            Terms("public", first_hours=1, archive_days=30),
            {0 * DAY: "patrons", HOUR: "public", 30 * DAY: "patrons"},
        ),
        (Terms("patrons", free_until=OUT + HOUR, first_hours=2), {0 * DAY: "public", HOUR: "patrons"}),
        (
            Terms("plan:circle", first_hours=48, archive_days=30),
            {0 * DAY: "plan:circle", 31 * DAY: "plan:circle"},
        ),
        (Terms("members", first_hours=48), {0 * DAY: "unknown"}),
    ],
)
def test_windows_open_and_close_at_their_instants(own: Terms, times: dict[timedelta, str]) -> None:
    house = House("patrons")
    assert {passed: stands(own, house, OUT + passed) for passed in times} == times


def test_a_rule_has_windows_too_unless_its_gate_was_overruled() -> None:
    house = House("patrons", (Rule(Terms("public", archive_days=30), section="city"),))
    assert stands(Terms(), house, OUT + 30 * DAY) == "patrons"
    assert stands(Terms("public"), house, OUT + 30 * DAY) == "public"


def test_an_unlock_comes_before_all_and_ends_by_itself() -> None:
    for one in (Unlock(OUT, OUT + DAY, article_id=7), Unlock(OUT, OUT + DAY, tag="floods")):
        house = House("plan:circle", unlocks=(one,))
        own = Terms("plan:circle", free_from=OUT + 9 * DAY)
        assert [stands(own, house, at) for at in (OUT - SECOND, OUT, OUT + DAY - SECOND, OUT + DAY)] == [
            "plan:circle",
            "public",
            "public",
            "plan:circle",
        ]
        found = decide(gate(own, ABOUT, house), Visitor(), OUT)
        assert (found.show, found.reason) == (Show.FULL, "unlocked")
    for other in (Unlock(OUT, OUT + DAY, article_id=8), Unlock(OUT, OUT + DAY, tag="flood")):
        assert stands(Terms("patrons"), House("patrons", unlocks=(other,))) == "patrons"


def test_what_is_not_out_has_no_window_that_counts_from_then() -> None:
    draft = About(None, "city", frozenset(), None)
    assert stands(Terms("public", first_hours=9, archive_days=0), House("patrons"), OUT, draft) == "public"


@pytest.mark.parametrize(
    ("own", "rule", "is_metered"),
    [
        (None, None, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
        (False, None, False),
    ],
)
def test_the_own_word_on_free_reads_comes_before_the_rules(
    *, own: bool | None, rule: bool | None, is_metered: bool
) -> None:
    house = House("patrons", (Rule(Terms("patrons", is_metered=rule)),))
    assert gate(Terms(is_metered=own), ABOUT, house).takes_free_reads is is_metered


def test_the_first_hours_of_patrons_take_no_free_reads_and_the_archive_does_as_usual() -> None:
    house = House("patrons")
    found = gate(Terms("public", first_hours=1, archive_days=30), ABOUT, house)
    assert not found.at(OUT).takes_free_reads
    assert found.at(OUT + 30 * DAY).takes_free_reads
    assert (
        not gate(Terms("public", archive_days=30, is_metered=False), ABOUT, house)
        .at(OUT + 30 * DAY)
        .is_metered
    )


levels = st.sampled_from(["", "public", "registered", "patrons", "plan:circle", "members"])
spans = st.timedeltas(timedelta(0), timedelta(days=60)).map(lambda span: OUT + span)
any_terms = st.builds(
    Terms,
    levels,
    st.none() | spans,
    st.none() | spans,
    st.none() | st.integers(0, 99),
    st.none() | st.integers(0, 9),
)


@given(any_terms, st.lists(st.builds(Rule, any_terms, st.sampled_from([None, "city"])), max_size=3), spans)
def test_only_a_window_or_a_word_opens_what_is_for_patrons(
    own: Terms, rules: list[Rule], now: datetime
) -> None:
    found = gate(own, ABOUT, House("patrons", tuple(rules)))
    if found.at(now).level is Level.PUBLIC:
        words = {own.gate, *(rule.terms.gate for rule in rules)}
        is_free = (own.free_until and now < own.free_until) or (own.free_from and own.free_from <= now)
        by_rule = any(
            (rule.terms.free_until and now < rule.terms.free_until)
            or (rule.terms.free_from and rule.terms.free_from <= now)
            for rule in rules
        )
        assert "public" in words or is_free or by_rule


def test_a_gate_keeps_its_windows_through_the_decision() -> None:
    own = Terms("patrons", free_until=OUT)
    assert gate(own, ABOUT, House("patrons")).at(OUT) == Gate(
        Level.PATRONS, windows=gate(own, ABOUT, House("patrons")).windows
    )
