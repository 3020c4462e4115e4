"""The decision, as a table with its boundary instants."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.decision import Decision, Gate, Level, Reason, Show, Visitor, decide
from paywall.membership.rules import Holding

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
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


@pytest.mark.parametrize("text", ["public", "registered", "patrons", "plan:circle,supporter", "plan:"])
def test_a_gate_reads_as_it_is_written(text: str) -> None:
    assert str(Gate.parse(text)) == text


slugs = st.sampled_from(["supporter", "circle", "founder"])
gates = st.one_of(
    st.sampled_from([Gate(Level.PUBLIC), Gate(Level.REGISTERED), Gate(Level.PATRONS), Gate(Level.UNKNOWN)]),
    st.builds(Gate, st.just(Level.PLAN), st.frozensets(slugs)),
)
instants = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda passed: NOW + passed)
holdings = st.lists(st.builds(Holding, slugs, instants), max_size=3).map(tuple)


@given(gates, holdings, instants, st.data())
def test_less_in_hand_never_opens_more(
    gate: Gate, held: tuple[Holding, ...], now: datetime, data: st.DataObject
) -> None:
    whole = decide(gate, Visitor(1, held, is_staff=data.draw(st.booleans())), now)
    fewer = tuple(one for one in held if data.draw(st.booleans()))
    less: Decision = decide(gate, Visitor(data.draw(st.sampled_from([1, None])), fewer), now)
    assert not (less.show is Show.FULL and whole.show is Show.TEASER)


@given(gates, holdings, instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_time_alone_never_opens_more(
    gate: Gate, held: tuple[Holding, ...], now: datetime, passed: timedelta
) -> None:
    before, after = (decide(gate, Visitor(1, held), at).show for at in (now, now + passed))
    assert not (before is Show.TEASER and after is Show.FULL)
