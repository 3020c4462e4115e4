"""What the door's rules say, in words for staff: the same on the page and in the shell."""

from datetime import datetime
from zoneinfo import ZoneInfo

from paywall.access.decision import Decision, Gate, Level, Window
from paywall.accounts.models import Reader
from paywall.articles.terms import Rule
from paywall.membership.policy import Cause
from paywall.membership.policy_words import CAUSES

LEVELS = {
    Level.PUBLIC: "open to everyone",
    Level.REGISTERED: "for readers with an account",
    Level.PATRONS: "for patrons",
    Level.PLAN: "for the plan",
    Level.UNKNOWN: "unknown: it opens to staff only",
}


def gate(which: Gate) -> str:
    """What a gate asks, as part of a sentence."""
    plans = f" {' or '.join(sorted(which.plans)) or '(none is named)'}" if which.level is Level.PLAN else ""
    free = (
        "" if which.is_metered or which.level not in {Level.REGISTERED, Level.PATRONS} else ", no free reads"
    )
    return f"{LEVELS[which.level]}{plans}{free}"


def origin(own_gate: str, rule: Rule | None) -> str:
    """Who says so: the article, a rule, or the setting."""
    if own_gate:
        return "the article says so itself"
    if rule is None or not rule.terms.gate:
        return "the default of the whole paper (PAYWALL_DEFAULT_GATE)"
    if rule.section is not None:
        return f"the rule for the section {rule.section}"
    return f"the rule for the tag {rule.tag}" if rule.tag is not None else "the rule for all articles"


def window(one: Window, zone: ZoneInfo) -> str:
    """A window of a gate and its time."""
    since = f"from {local(one.since, zone)} " if one.since else ""
    until = f"until {local(one.until, zone)} " if one.until else ""
    what = "unlocked for everyone" if one.gate.is_unlock else gate(one.gate)
    return f"{since}{until}{what}"


def reader(who: Reader | None) -> str:
    """Who it is, and what of the account matters at the door."""
    if who is None:
        return "a visitor who is not signed in and has read nothing yet"
    account = "account open" if who.active else "ACCOUNT CLOSED: nobody at the door"
    confirmed = "address confirmed" if who.confirmed_at else "address not confirmed"
    roles = f", {', '.join(sorted(who.staff_roles))}" if who.staff_roles else ""
    return f"{who.email}: {account}, {confirmed}{roles}"


def decision(found: Decision) -> str:
    """The end of it, in the words of log, header and test too."""
    return f"{found.show}; reason={found.reason}"


def cause(which: Cause | None) -> str:
    """Which line of the policy gave a membership its date."""
    return CAUSES[which][0] if which else "-"


def local(instant: datetime | None, zone: ZoneInfo) -> str:
    """An instant in the time of the site."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}" if instant else "-"
