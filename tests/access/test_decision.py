"""The decision, as a table with its boundary instants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.decision import (
    RULES,
    Gate,
    Level,
    Meter,
    Reason,
    Show,
    Visitor,
    Window,
    decide,
    trace,
)
from paywall.membership.rules import Holding

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
HOUR = timedelta(hours=1)
NOBODY = Visitor()
READER = Visitor(reader_id=1)
SUPPORTER = Visitor(1, (Holding("supporter", LATER),))
CIRCLE = Visitor(1, (Holding("circle", LATER),))
LAPSED = Visitor(1, (Holding("supporter", NOW),))
STAFF = Visitor(1, is_staff=True)


@pytest.mark.parametrize(
    ("gate", "visitor", "show", "reason"),
    [
        ("public", NOBODY, Show.FULL, Reason.OPEN),
        ("public", STAFF, Show.FULL, Reason.OPEN),
        ("registered", NOBODY, Show.TEASER, Reason.SIGN_IN),
        ("registered", READER, Show.FULL, Reason.SIGNED_IN),
        ("registered", LAPSED, Show.FULL, Reason.SIGNED_IN),
        ("patrons", NOBODY, Show.TEASER, Reason.PATRONS_ONLY),
        ("patrons", READER, Show.TEASER, Reason.PATRONS_ONLY),
        ("patrons", SUPPORTER, Show.FULL, Reason.PATRON),
        ("patrons", LAPSED, Show.TEASER, Reason.PATRONS_ONLY),
        ("patrons", STAFF, Show.FULL, Reason.STAFF),
        ("plan:circle", NOBODY, Show.TEASER, Reason.PATRONS_ONLY),
        ("plan:circle", SUPPORTER, Show.TEASER, Reason.HIGHER_PLAN),
        ("plan:circle", CIRCLE, Show.FULL, Reason.PATRON),
        ("plan:supporter,circle", SUPPORTER, Show.FULL, Reason.PATRON),
        ("plan:", NOBODY, Show.TEASER, Reason.PATRONS_ONLY),
        ("plan:", CIRCLE, Show.TEASER, Reason.HIGHER_PLAN),
        ("members", CIRCLE, Show.TEASER, Reason.UNKNOWN_GATE),
        ("members", STAFF, Show.FULL, Reason.STAFF),
        ("", CIRCLE, Show.TEASER, Reason.UNKNOWN_GATE),
        ("public:all", NOBODY, Show.TEASER, Reason.UNKNOWN_GATE),
        ("plan", CIRCLE, Show.TEASER, Reason.UNKNOWN_GATE),
    ],
)
def test_the_door(gate: str, visitor: Visitor, show: Show, reason: Reason) -> None:
    decision = decide(Gate.parse(gate), visitor, NOW)
    assert (decision.show, decision.reason) == (show, reason)


def test_a_denial_names_the_plans_that_would_open_it() -> None:
    decision = decide(Gate.parse("plan: circle , supporter"), NOBODY, NOW)
    assert decision.offer == {"circle", "supporter"}


PATRONS = Gate(Level.PATRONS)
PUBLIC = Gate(Level.PUBLIC)
LIBRARY = Visitor(institution=Holding("", LATER))
GUEST = Visitor(has_gift=True)
CRAWLER = Visitor(is_crawler=True)


def metered(left: int, *, has_read: bool = False, reader_id: int | None = None) -> Visitor:
    return Visitor(reader_id, meter=Meter(left, has_read))


@pytest.mark.parametrize(
    ("gate", "visitor", "reason"),
    [
        ("patrons", LIBRARY, Reason.INSTITUTION),
        ("registered", LIBRARY, Reason.INSTITUTION),
        ("plan:circle", LIBRARY, Reason.PATRONS_ONLY),
        ("plan:circle", Visitor(institution=Holding("circle", LATER)), Reason.INSTITUTION),
        ("patrons", Visitor(institution=Holding("", NOW)), Reason.PATRONS_ONLY),
        ("members", LIBRARY, Reason.UNKNOWN_GATE),
        ("patrons", GUEST, Reason.GIFT),
        ("plan:circle", GUEST, Reason.GIFT),
        ("public", GUEST, Reason.OPEN),
        ("members", GUEST, Reason.UNKNOWN_GATE),
        ("patrons", CRAWLER, Reason.CRAWLER),
        ("members", CRAWLER, Reason.UNKNOWN_GATE),
        ("patrons", metered(1), Reason.METERED),
        ("registered", metered(1), Reason.METERED),
        ("registered", metered(0), Reason.SIGN_IN),
        ("patrons", metered(0), Reason.METER_SPENT),
        ("patrons", metered(0, has_read=True), Reason.METERED),
        ("patrons", metered(-1), Reason.METER_SPENT),
        ("plan:circle", metered(1), Reason.PATRONS_ONLY),
        ("plan:circle", metered(0), Reason.PATRONS_ONLY),
        ("members", metered(1), Reason.UNKNOWN_GATE),
        ("registered", metered(1, reader_id=1), Reason.SIGNED_IN),
        ("patrons", metered(1, reader_id=1), Reason.METERED),
        ("patrons", Visitor(1, (Holding("supporter", LATER),), meter=Meter(1)), Reason.PATRON),
    ],
)
def test_what_else_a_visitor_may_bring(gate: str, visitor: Visitor, reason: Reason) -> None:
    assert decide(Gate.parse(gate), visitor, NOW).reason == reason


@pytest.mark.parametrize(
    ("meter", "left"),
    [(Meter(3), 2), (Meter(1), 0), (Meter(2, has_read=True), 2), (Meter(0, has_read=True), 0)],
)
def test_a_free_read_says_how_many_are_left(meter: Meter, left: int) -> None:
    assert decide(PATRONS, Visitor(meter=meter), NOW).reads_left == left


def test_a_gate_that_is_not_metered_takes_no_free_read() -> None:
    assert decide(Gate(Level.PATRONS, is_metered=False), metered(3), NOW).reason == Reason.PATRONS_ONLY


@pytest.mark.parametrize(
    ("windows", "reason"),
    [
        ((Window(PUBLIC, until=LATER),), Reason.OPEN),
        ((Window(PUBLIC, until=NOW),), Reason.PATRONS_ONLY),
        ((Window(PUBLIC, since=NOW),), Reason.OPEN),
        ((Window(PUBLIC, since=LATER),), Reason.PATRONS_ONLY),
        ((Window(PUBLIC, since=NOW, until=LATER),), Reason.OPEN),
        ((Window(Gate(Level.PUBLIC, is_unlock=True)),), Reason.UNLOCKED),
        ((Window(Gate(Level.REGISTERED)), Window(PUBLIC)), Reason.SIGN_IN),
        ((Window(PUBLIC, until=NOW), Window(Gate(Level.REGISTERED), since=NOW)), Reason.SIGN_IN),
        ((Window(Gate(Level.UNKNOWN)),), Reason.UNKNOWN_GATE),
    ],
)
def test_the_first_window_that_is_open_stands_in_the_place_of_the_gate(
    windows: tuple[Window, ...], reason: Reason
) -> None:
    assert decide(Gate(Level.PATRONS, windows=windows), NOBODY, NOW).reason == reason


@pytest.mark.parametrize(
    ("gate", "windows", "until"),
    [
        ("patrons", (Window(PUBLIC, until=LATER),), LATER),
        ("patrons", (Window(PUBLIC, until=LATER), Window(PUBLIC, until=LATER + HOUR)), LATER + HOUR),
        ("patrons", (Window(PUBLIC, until=LATER), Window(PUBLIC, since=NOW)), None),
        ("patrons", (Window(PUBLIC, until=NOW),), None),
        ("patrons", (Window(Gate(Level.REGISTERED), until=LATER),), None),
        ("patrons", (), None),
        ("public", (Window(PUBLIC, until=LATER),), None),
    ],
)
def test_until_when_a_gate_is_open_to_everyone(
    gate: str, windows: tuple[Window, ...], until: datetime | None
) -> None:
    assert replace(Gate.parse(gate), windows=windows).open_until(NOW) == until


def test_a_trace_names_each_rule_up_to_the_one_that_had_the_answer() -> None:
    tried = trace(PATRONS, GUEST, NOW)
    assert [one.rule for one in tried] == [*list(RULES)[: list(RULES).index("gift") + 1]]
    assert all(one.answer is None for one in tried[:-1])
    assert tried[-1].answer == decide(PATRONS, GUEST, NOW)


@pytest.mark.parametrize("text", ["public", "registered", "patrons", "plan:circle,supporter", "plan:"])
def test_a_gate_reads_as_it_is_written(text: str) -> None:
    assert str(Gate.parse(text)) == text


slugs = st.sampled_from(["supporter", "circle", "founder"])
instants = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda passed: NOW + passed)
holdings = st.lists(st.builds(Holding, slugs, instants), max_size=3).map(tuple)
plain = st.builds(
    Gate,
    st.sampled_from(Level),
    st.frozensets(slugs),
    is_metered=st.booleans(),
)
windows = st.lists(st.builds(Window, plain, st.none() | instants, st.none() | instants), max_size=3).map(
    tuple
)
gates = st.builds(Gate, st.sampled_from(Level), st.frozensets(slugs), windows, st.booleans())
visitors = st.builds(
    Visitor,
    st.sampled_from([1, None]),
    holdings,
    is_staff=st.booleans(),
    institution=st.none() | st.builds(Holding, st.just("") | slugs, instants),
    has_gift=st.booleans(),
    is_crawler=st.booleans(),
    meter=st.none() | st.builds(Meter, st.integers(0, 5), st.booleans()),
)


@st.composite
def less(draw: st.DrawFn, than: Visitor) -> Visitor:
    """A visitor with a part of the rights of another."""
    meter = than.meter and Meter(
        draw(st.integers(0, than.meter.left)), than.meter.has_read and draw(st.booleans())
    )
    return Visitor(
        than.reader_id if draw(st.booleans()) else None,
        tuple(one for one in than.holdings if draw(st.booleans())),
        is_staff=than.is_staff and draw(st.booleans()),
        institution=than.institution if draw(st.booleans()) else None,
        has_gift=than.has_gift and draw(st.booleans()),
        is_crawler=than.is_crawler and draw(st.booleans()),
        meter=meter if draw(st.booleans()) else None,
    )


@given(gates, visitors, instants, st.data())
def test_less_in_hand_never_opens_more(
    gate: Gate, visitor: Visitor, now: datetime, data: st.DataObject
) -> None:
    whole = decide(gate, visitor, now)
    part = decide(gate, data.draw(less(visitor)), now)
    assert not (part.show is Show.FULL and whole.show is Show.TEASER)


@given(plain, visitors, instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_time_alone_never_opens_more(gate: Gate, visitor: Visitor, now: datetime, passed: timedelta) -> None:
    before, after = (decide(gate, visitor, at).show for at in (now, now + passed))
    assert not (before is Show.TEASER and after is Show.FULL)


@given(gates, visitors, instants)
def test_the_trace_ends_with_the_decision(gate: Gate, visitor: Visitor, now: datetime) -> None:
    *others, last = trace(gate, visitor, now)
    assert last.answer == decide(gate, visitor, now)
    assert all(one.answer is None for one in others)
