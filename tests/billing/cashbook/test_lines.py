"""The lines behind the sums of a month: together they are the sum, whatever is wrong in the books."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywall.billing.cashbook import lines, months
from paywall.billing.cashbook.sums import add_up
from paywall.db import db
from tests.billing.cashbook.test_months import ANY_FAULT, right, spoiled, write

SUMS = (*lines.LINES, "difference")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_sum_is_what_stands_behind_it_whatever_is_wrong_in_the_books(
    context: None, data: st.DataObject
) -> None:
    books = right()
    for part, name in data.draw(st.lists(ANY_FAULT, max_size=4)):
        books = spoiled(books, part, name, data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5)))
    write(books)
    for one in add_up(books):
        start = months.month(one.month)
        behind = {
            which: sum(each.counted for each in lines.behind(start, one.currency, which)) for which in SUMS
        }
        assert behind == {which: getattr(one, which) for which in SUMS}
    db.session.rollback()
