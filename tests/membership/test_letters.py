"""Letters of a membership: which change of it writes one."""

from collections.abc import Callable

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import record
from paywall.membership.letters import write_for
from paywall.membership.rules import Facts, Status
from paywall.money import Money
from tests.membership.test_record import POLICY, facts, reader

__all__ = ["reader"]


def test_a_change_of_currency_is_no_end(reader: Reader, letters: Callable[[], list[Letter]]) -> None:
    def told(*found: Facts) -> list[str]:
        write_for(record.record(reader, found, POLICY), {})
        db.session.commit()
        return [letter.kind for letter in letters()]

    assert told(facts()) == ["welcome"]
    assert told(facts(price=Money(700, "usd"))) == ["welcome"]
    assert told(facts(price=Money(700, "usd"), status=Status.CANCELED)) == ["welcome", "subscription_ended"]
