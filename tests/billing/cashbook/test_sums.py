"""Sums: whatever customers and banks do, each month ties out to the cent; what does not is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywall.billing.cashbook.facts import Entries, PaymentFacts, PayoutFacts, RefundFacts, TransactionFacts
from paywall.billing.cashbook.sums import Difference, Sums, add_up
from paywall.sandbox import Sandbox
from tests.billing.cashbook.lives import STEPS, Step, all_of, apart, balance_of, own_sums
from tests.shop import SITE

STEP = st.tuples(st.sampled_from(STEPS), st.integers(0, 2000))
Own = dict[tuple[str, str], dict[str, int]]
USUAL: list[Step] = [("join", 0), ("gift", 7), ("days", 5), ("part", 120), ("dispute", 1), ("month", 0)]


def lived(folder: Path, steps: list[Step]) -> tuple[Entries, dict[str, int], Own]:
    """What our gateway reads of some lives, and what the stand-in says itself."""
    gateway, lives = apart(Sandbox(folder / "stripe.db", public_url=SITE, seed=1))
    lives.play(steps)
    return all_of(gateway, lives.v1), balance_of(lives.v1), own_sums(lives.v1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=1, max_size=14))
def test_every_life_ties_out_with_the_stand_ins_own_balance(context: None, steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        books, balance, own = lived(Path(folder), steps)
    found = add_up(books)
    assert [one for one in found if not one.ties_out] == []
    held: dict[str, int] = {}
    for one in found:
        held[one.currency] = held.get(one.currency, 0) + one.net + one.payouts
        theirs = own[one.month, one.currency]
        ours = {
            "charge": one.invoices + one.payments,
            "refund": one.refunds,
            "dispute": one.disputes,
            "fees": one.fees,
            "net": one.net,
            "payout": one.payouts,
        }
        assert ours == {name: theirs.get(name, 0) for name in ours}
        assert one.other == 0
    assert {currency: amount for currency, amount in held.items() if amount} == balance


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestPlanted:
    """Each kind of fault in the books shows, in its month and by the id of what is wrong."""

    @pytest.fixture
    def books(self, context: None, tmp_path: Path) -> Entries:
        """Books that tie out, with something of each kind in them."""
        return lived(tmp_path, USUAL)[0]

    def test_without_any_it_ties_out(self, books: Entries) -> None:
        found = add_up(books)
        assert all(one.ties_out for one in found)
        assert sum(one.invoices for one in found) > 0
        assert sum(one.payments for one in found) == 3007
        assert min(sum(getattr(one, name) for one in found) for name in ("refunds", "disputes")) < 0

    @pytest.mark.parametrize(
        ("part", "name", "value"),
        [
            ("payments", "amount", 1),
            ("refunds", "amount", 1),
            ("refunds", "status", "failed"),
            ("disputes", "moved", 5),
            ("payments", "transaction", None),
        ],
    )
    def test_a_thing_that_says_otherwise_than_its_lines(
        self, books: Entries, part: str, name: str, value: object
    ) -> None:
        first, *rest = getattr(books, part)
        spoiled = replace(books, **{part: (replace(first, **{name: value}), *rest)})
        assert first.stripe_id in named(add_up(spoiled))

    @pytest.mark.parametrize("part", ["payments", "refunds", "disputes", "invoices", "payouts"])
    def test_a_thing_that_is_missing(self, books: Entries, part: str) -> None:
        gone, *rest = getattr(books, part)
        found = add_up(replace(books, **{part: tuple(rest)}))
        lines = {one.stripe_id for one in books.transactions if one.source == gone.stripe_id}
        if part == "payouts":
            assert all(one.ties_out for one in found), "its line is there, and says the same"
        else:
            assert named(found) & (lines | {gone.stripe_id})

    def test_a_line_that_is_missing(self, books: Entries) -> None:
        for gone in books.transactions:
            rest = tuple(one for one in books.transactions if one is not gone)
            found = add_up(replace(books, transactions=rest))
            assert named(found) & {gone.source, gone.payout}
            assert not all(one.ties_out for one in found)

    def test_an_invoice_that_was_paid_by_something_else(self, books: Entries) -> None:
        first, *rest = books.invoices
        more = replace(first, amount_paid=first.amount_paid + 100)
        (sums,) = [one for one in add_up(replace(books, invoices=(more, *rest))) if not one.ties_out]
        assert (sums.difference, [one.stripe_id for one in sums.differences]) == (-100, [first.stripe_id])
        elsewhere = replace(more, amount_off_stripe=100)
        assert all(one.ties_out for one in add_up(replace(books, invoices=(elsewhere, *rest))))

    def test_a_payout_that_is_made_of_something_else(self, books: Entries) -> None:
        sent = books.payouts[0]
        moved = tuple(
            replace(one, payout=None) if one.payout == sent.stripe_id and one.type == "charge" else one
            for one in books.transactions
        )
        misfits = [each for one in add_up(replace(books, transactions=moved)) for each in one.misfits]
        assert [(one.stripe_id, one.why) for one in misfits] == [(sent.stripe_id, "it is made of other sums")]


def named(found: list[Sums]) -> set[str | None]:
    """What the differences name."""
    return {each.stripe_id for one in found for each in [*one.differences, *one.misfits]}


class TestConverted:
    """A charge in dollars on an account that is paid in euros."""

    AT = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)

    def books(self) -> Entries:
        """One such charge, given back a second later, in the next month."""
        paid = PaymentFacts(
            "ch_1", None, "pi_1", None, 1000, 1000, "usd", "succeeded", None, False, "txn_1", self.AT
        )
        later = self.AT + timedelta(seconds=1)
        refund = RefundFacts("re_1", "ch_1", 1000, "usd", "succeeded", None, None, "txn_2", later)
        lines = (
            self.line("txn_1", "charge", 920, 30, "ch_1", self.AT),
            self.line("txn_2", "refund", -915, 0, "re_1", later),
        )
        return Entries(payments=(paid,), refunds=(refund,), transactions=lines)

    def line(
        self, stripe_id: str, kind: str, amount: int, fee: int, source: str | None, at: datetime
    ) -> TransactionFacts:
        """A line of the balance, in euros."""
        net = amount - fee
        return TransactionFacts(
            stripe_id, kind, kind, amount, fee, net, "eur", "available", source, None, at, at
        )

    def test_it_leaves_one_currency_and_enters_the_other(self) -> None:
        found = {(one.month, one.currency): one for one in add_up(self.books())}
        assert all(one.ties_out for one in found.values())
        october = found["2026-10", "eur"]
        assert (october.other, october.fees, october.net) == (920, -30, 890)
        assert (found["2026-10", "usd"].payments, found["2026-10", "usd"].other) == (1000, -1000)
        assert (found["2026-11", "usd"].refunds, found["2026-11", "eur"].other) == (-1000, -915)

    def test_what_stripe_takes_for_itself_is_a_fee_and_a_topup_is_something_else(self) -> None:
        lines = (
            self.line("txn_3", "fee", -500, 0, None, self.AT),
            self.line("txn_4", "topup", 700, 0, "tu_1", self.AT),
        )
        (one,) = add_up(Entries(transactions=lines))
        assert (one.fees, one.other, one.net, one.ties_out) == (-500, 700, 200, True)

    def test_a_payment_whose_money_is_under_way_is_no_difference(self) -> None:
        waiting = replace(self.books().payments[0], status="pending", transaction=None)
        failed = replace(waiting, stripe_id="ch_2", status="failed")
        assert all(one.ties_out for one in add_up(Entries(payments=(waiting, failed))))

    def test_a_payout_that_says_otherwise_than_its_line(self) -> None:
        sent = PayoutFacts("po_1", 100, "eur", "paid", False, "not_applicable", None, self.AT, self.AT)
        line = self.line("txn_5", "payout", -90, 0, "po_1", self.AT)
        (one,) = add_up(Entries(payouts=(sent,), transactions=(line,)))
        assert one.misfits == [Difference("po_1", -10, "its lines say otherwise", ("txn_5",))]
