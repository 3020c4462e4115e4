"""The policy's table in words for staff: the same on the page, in the shell and in the docs. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from paywall.membership.policy import Cause, Policy, Rule, Start

CAUSES = {
    Cause.TRIAL: ("In trial", "Stripe ends a trial within the hour; the slack bridges a late answer."),
    Cause.PAID: (
        "Paid",
        "A renewal is charged about an hour after the period turns, or later in an outage.",
    ),
    Cause.UNCOLLECTED: (
        "Paid, but collecting is paused at Stripe",
        "Whoever told Stripe not to collect meant the reader well.",
    ),
    Cause.PAYMENT_FAILED: (
        "A payment failed, Stripe tries again",
        "A card that ran out is no farewell. A later unpaid bill adds nothing.",
    ),
    Cause.UNPAID: ("Stripe has given up on the payment", "Two weeks of reminders have passed by then."),
    Cause.BREAK: ("Paused by the reader", "What was paid for is read; the pause itself costs nothing."),
    Cause.PAUSED: ("Paused because nobody paid", "Nothing is paid for."),
    Cause.INCOMPLETE: ("First payment not complete", "Nothing is paid for yet."),
    Cause.CANCELED: (
        "Cancelled",
        "The very date that the reader was told.",
    ),
    Cause.DISPUTED: (
        "The bank has taken a payment back",
        "The money is gone, and with it a fee. If the dispute is won, the reader reads again.",
    ),
    Cause.REFUNDED: (
        "The present period was refunded in full",
        "Who has the money back has not paid. A part given back changes nothing.",
    ),
    Cause.UNKNOWN: (
        "A status that we do not know",
        "It gives nothing and takes nothing: the date written before stands. A person must look.",
    ),
}
STARTS = {
    Start.PERIOD_END: "the end of the paid period",
    Start.UNPAID_BILL: "the first unpaid bill",
    Start.DISPUTE: "the day of the dispute",
    Start.REFUND: "the refund",
    Start.CANCEL_DATE: "the date of the end",
    Start.NEVER: "",
}
# The setting in which the days of a rule are kept.
SETTINGS = {
    Cause.TRIAL: "PAYWALL_RENEWAL_SLACK_HOURS",
    Cause.PAID: "PAYWALL_RENEWAL_SLACK_HOURS",
    Cause.UNCOLLECTED: "PAYWALL_RENEWAL_SLACK_HOURS",
    Cause.PAYMENT_FAILED: "PAYWALL_GRACE_DAYS",
    Cause.UNPAID: "PAYWALL_UNPAID_DAYS",
    Cause.DISPUTED: "PAYWALL_DISPUTE_DAYS",
    Cause.REFUNDED: "PAYWALL_REFUND_DAYS",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table in words."""

    name: str
    full: str
    grace: str
    why: str
    setting: str


def rows(policy: Policy) -> list[Row]:
    """The whole table."""
    return [_row(rule) for rule in policy.rules]


def _row(rule: Rule) -> Row:
    name, why = CAUSES[rule.cause]
    return Row(name, _full(rule), _grace(rule), why, SETTINGS.get(rule.cause, ""))


def _full(rule: Rule) -> str:
    if rule.start is Start.NEVER:
        return "none"
    return (
        f"until {span(rule.full)} after {STARTS[rule.start]}" if rule.full else f"until {STARTS[rule.start]}"
    )


def _grace(rule: Rule) -> str:
    return f"{span(rule.grace)} from then on" if rule.grace else "none"


def span(length: timedelta) -> str:
    """Days, or hours where it is not whole days."""
    if length % timedelta(days=1):
        return f"{length // timedelta(hours=1)} hours"
    days = length.days
    return "1 day" if days == 1 else f"{days} days"
