"""Institutions: each figure is what plain Python makes of the same rows of use."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.institutions.models import Institution, InstitutionUse, Way
from paywall.reports import libraries
from paywall.reports.asked import Asked
from tests.reports.house import FEW, START, asked_for, check_rows, figures, house, table

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]
NAMES = ("City Library", "University")
Key = tuple[str, int, Way, str]
KEY = st.tuples(
    st.sampled_from(NAMES),
    st.integers(0, 200),
    st.sampled_from(list(Way)),
    st.sampled_from(["7", "8", "gone"]),
)


@FEW
@given(used=st.dictionaries(KEY, st.integers(1, 50), max_size=16), asked=asked_for(by_plan=False))
def test_institutions(used: dict[Key, int], asked: Asked) -> None:
    with house() as home:
        known = {
            name: Institution(
                slug=name[:4].lower(), name=name, starts_at=START, ends_at=START + timedelta(999)
            )
            for name in NAMES
        }
        home.add(*known.values())
        for (name, day, way, article), count in used.items():
            when = START.date() + timedelta(days=day)
            home.add(
                InstitutionUse(institution_id=known[name].id, day=when, way=way, key=article, reads=count)
            )
        report = libraries.institutions(asked)
        rows = list(libraries.reads(asked))
        check_rows("institutions", report, asked, Read="Reads")

    def of(some: Asked) -> dict[Key, int]:
        days = {one: START.date() + timedelta(days=one[1]) for one in used}
        return {one: used[one] for one, when in days.items() if some.since <= when <= some.until}

    now, before = of(asked), of(asked.before)
    got = figures(report)
    assert got["Read"] == (sum(now.values()), sum(before.values()))
    assert got["Institutions"] == (len({key[0] for key in now}), len({key[0] for key in before}))
    assert len(rows) == len(now)
    for row in table(report, "By institution"):
        mine = {key: reads for key, reads in now.items() if key[0] == row["Institution"]}
        assert row["By e-mail"] == sum(reads for key, reads in mine.items() if key[2] is Way.DOMAIN)
        assert row["In all"] == sum(mine.values())
        assert row["Before"] == sum(reads for key, reads in before.items() if key[0] == row["Institution"])
    by_month: Counter[object] = Counter()
    for key, reads in now.items():
        by_month[(START.date() + timedelta(days=key[1])).replace(day=1)] += reads
    for row in table(report, "By month"):
        assert row["By e-mail"] + row["By network"] == by_month[row["Month"]]
    most: Counter[str] = Counter()
    for key, reads in now.items():
        most[key[3]] += reads
    assert {row["Article"]: row["Reads"] for row in table(report, "Most read")} == most
