"""The policy as a table: each cause, at the instants just before, at and after its boundaries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.config import ROOT, Settings
from paywall.membership import policy_words
from paywall.membership.policy import Access, Cause, Level, Policy, Start, access
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
POLICY = Policy(grace=7 * DAY, slack=timedelta(hours=24))
KIND = Policy(grace=7 * DAY, slack=timedelta(hours=24), unpaid=30 * DAY, dispute=3 * DAY, refund=2 * DAY)
FACTS = Facts(
    source=Source.STRIPE,
    external_id="sub_1",
    plan_id=1,
    status=Status.ACTIVE,
    price=Money(500, "eur"),
    interval=Interval.MONTH,
    started_at=START,
    period_start=START,
    period_end=END,
)
FULL, GRACE, NOTHING = Level.FULL, Level.GRACE, Level.NONE


@pytest.mark.parametrize(
    ("changes", "policy", "cause", "grace_from", "until"),
    [
        ({}, POLICY, Cause.PAID, None, END + DAY),
        ({"status": Status.TRIALING}, POLICY, Cause.TRIAL, None, END + DAY),
        ({"collected": False}, POLICY, Cause.UNCOLLECTED, None, END + DAY),
        ({"cancel_at": END}, POLICY, Cause.CANCELED, None, END),
        ({"cancel_at": START + 3 * DAY}, POLICY, Cause.CANCELED, None, START + 3 * DAY),
        ({"cancel_at": END + 60 * DAY}, POLICY, Cause.PAID, None, END + DAY),
        ({"period_end": None}, POLICY, Cause.PAID, None, None),
        ({"status": Status.PAST_DUE}, POLICY, Cause.PAYMENT_FAILED, START, START + 7 * DAY),
        (
            {"status": Status.PAST_DUE, "unpaid_since": START + 10 * DAY},
            POLICY,
            Cause.PAYMENT_FAILED,
            START + 10 * DAY,
            START + 17 * DAY,
        ),
        (
            {"status": Status.PAST_DUE, "cancel_at": START + 2 * DAY},
            POLICY,
            Cause.CANCELED,
            START,
            START + 2 * DAY,
        ),
        ({"status": Status.PAST_DUE, "period_start": None}, POLICY, Cause.PAYMENT_FAILED, None, None),
        ({"status": Status.UNPAID, "unpaid_since": START}, POLICY, Cause.UNPAID, None, START),
        ({"status": Status.UNPAID, "unpaid_since": START}, KIND, Cause.UNPAID, START, START + 30 * DAY),
        ({"status": Status.PAUSED}, POLICY, Cause.PAUSED, None, None),
        ({"status": Status.PAUSED, "wanted_break": True}, POLICY, Cause.BREAK, None, END),
        (
            {"status": Status.PAUSED, "wanted_break": True, "unpaid_since": START},
            POLICY,
            Cause.PAUSED,
            None,
            None,
        ),
        ({"status": Status.INCOMPLETE}, POLICY, Cause.INCOMPLETE, None, None),
        ({"status": Status.INCOMPLETE_EXPIRED}, POLICY, Cause.INCOMPLETE, None, None),
        ({"status": Status.CANCELED, "cancel_at": END}, POLICY, Cause.CANCELED, None, None),
        ({"status": Status.UNKNOWN}, POLICY, Cause.UNKNOWN, None, None),
        ({"disputed_at": START + DAY}, POLICY, Cause.DISPUTED, None, START + DAY),
        ({"disputed_at": START + DAY}, KIND, Cause.DISPUTED, START + DAY, START + 4 * DAY),
        ({"refunded_at": START + DAY}, POLICY, Cause.REFUNDED, None, START + DAY),
        ({"refunded_at": START + DAY}, KIND, Cause.REFUNDED, START + DAY, START + 3 * DAY),
        ({"refunded_at": END + 9 * DAY}, KIND, Cause.PAID, None, END + DAY),
        (
            {"disputed_at": START + 2 * DAY, "refunded_at": START + 9 * DAY},
            KIND,
            Cause.DISPUTED,
            START + 2 * DAY,
            START + 5 * DAY,
        ),
        ({"disputed_at": START, "status": Status.CANCELED}, KIND, Cause.CANCELED, None, None),
    ],
)
def test_access_ends_by_itself(
    changes: dict[str, object],
    policy: Policy,
    cause: Cause,
    grace_from: datetime | None,
    until: datetime | None,
) -> None:
    found = access(replace(FACTS, **changes), policy)  # type: ignore[arg-type]
    assert found == Access(until, grace_from, cause)
    if until is not None:
        before = GRACE if grace_from else FULL
        assert [found.level(until + step) for step in (-TICK, 0 * TICK, TICK)] == [before, NOTHING, NOTHING]
    if grace_from is not None:
        around = [found.level(grace_from + step) for step in (-TICK, 0 * TICK, TICK)]
        assert around == [FULL, GRACE, GRACE]


def test_without_a_date_there_is_nothing() -> None:
    assert Access(None, None, Cause.PAUSED).level(START) is NOTHING


def test_each_cause_has_one_rule() -> None:
    assert [rule.cause for rule in POLICY.rules] == list(Cause)
    assert {rule.start for rule in POLICY.rules} == set(Start)


instants = st.none() | st.integers(-40, 80).map(lambda days: START + days * DAY)
lives = st.builds(
    replace,
    st.just(FACTS),
    status=st.sampled_from(list(Status)),
    period_start=instants,
    period_end=instants,
    unpaid_since=instants,
    cancel_at=instants,
    disputed_at=instants,
    refunded_at=instants,
    wanted_break=st.booleans(),
    collected=st.booleans(),
)
days = st.integers(0, 60).map(lambda count: count * DAY)
policies = st.builds(Policy, grace=days, slack=days, unpaid=days, dispute=days, refund=days)


@given(lives, policies, st.sampled_from(["cancel_at", "disputed_at", "refunded_at"]), st.integers(-40, 80))
def test_facts_that_get_worse_never_open_more(facts: Facts, policy: Policy, name: str, at: int) -> None:
    before = access(replace(facts, **{name: None}), policy)  # type: ignore[arg-type]
    after = access(replace(facts, **{name: START + at * DAY}), policy)  # type: ignore[arg-type]
    assert after.until is None or (before.until is not None and after.until <= before.until)


@given(lives, policies)
def test_grace_lies_before_the_end(facts: Facts, policy: Policy) -> None:
    found = access(facts, policy)
    assert found.grace_from is None or (found.until is not None and found.grace_from < found.until)
    assert facts.status not in {Status.CANCELED, Status.UNKNOWN} or found.until is None


def test_the_docs_show_the_table_of_the_defaults() -> None:
    shown = (ROOT / "docs" / "when-access-ends.md").read_text()
    for row in policy_words.rows(POLICY):
        setting = f" `{row.setting}`" if row.setting else ""
        assert f"| {row.name} | {row.full} | {row.grace} | {row.why}{setting} |" in shown


def test_each_setting_named_is_one() -> None:
    names = {f"PAYWALL_{name.upper()}" for name in Settings.model_fields}
    assert set(policy_words.SETTINGS.values()) <= names


@pytest.mark.parametrize(
    ("length", "words"),
    [(DAY, "1 day"), (2 * DAY, "2 days"), (timedelta(hours=36), "36 hours"), (timedelta(0), "0 days")],
)
def test_spans_in_words(length: timedelta, words: str) -> None:
    assert policy_words.span(length) == words
