"""What belongs to made-up lives: a cash book that ties out, gifts, groups, names, events and letters.

All of it is made by the database itself (cashbook.sql). A membership that is paid for at Stripe has a bill
each quarter. Which bill fails, is lost, given back or disputed hangs on its number, so the same lives have
the same books.
"""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from bench.lives import ENDED
from paywall.billing.cashbook import held
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.membership.rules import Source

STATEMENTS = Path(__file__).with_suffix(".sql")
# The server that is measured has a key of this mode.
MODE = Mode.TEST.value
DAYS = 91
# "Anna Berdorfel": some thousands of names, each word of a few letters.
FIRST = "Anna  Boris Clara DmitryEmil  Fatma GustavHanna Ines  Jorge "
LAST = "berdorfelgarhinkolmarnorperrin"
NAME = (
    f"trim(substr('{FIRST}', 1 + i % 10 * 6, 6)) || ' ' || upper(substr('{LAST}', 1 + i / 10 % 10 * 3, 1))"
    f" || substr('{LAST}', 2 + i / 10 % 10 * 3, 2) || substr('{LAST}', 1 + i / 100 % 10 * 3, 3)"
    f" || substr('{LAST}', 1 + i / 1000 % 10 * 3, 3)"
)
NAMES = {Source.STRIPE: "sub_lived{}", Source.GROUP: "seat:{}"}


def named(source: Source, number: int) -> str:
    """What the membership of that number is called at its source."""
    return NAMES.get(source, "lived{}").format(number)


def fill() -> None:
    """Write all that belongs to the memberships in the database; commits."""
    said = _postgresql() if db.engine.dialect.name == "postgresql" else _sqlite()
    for statement in STATEMENTS.read_text().split(";\n"):
        if statement.strip():
            db.session.execute(text(statement.format(**said).replace(":", "\\:")))
            db.session.commit()
    # As the walk does when it has come to its end.
    held.add_up()
    db.session.commit()


def longest_past() -> int:
    """The reader with the most payments."""
    paying = "source = 'stripe' AND external_id LIKE 'sub_lived%' AND amount > 0"
    query = f"SELECT reader_id FROM subscription WHERE {paying} ORDER BY id LIMIT 1"
    return int(db.session.execute(text(query)).scalar_one())


def _sqlite() -> dict[str, str]:
    def later(what: str, days: str | int) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f000', {what}, ({days}) || ' days')"

    return _common(later) | {
        "instant": "TEXT",
        "no": "0",
        "yes": "1",
        "disputed": "fate = 'disputed' AND back_at IS NOT NULL",
        "third_day": "date(at, '+3 days')",
        "that_day": "substr(payout, 7) || ' 03:00:00.000000'",
        "space": "instr(name, ' ')",
        "body": "printf('%.*c', 2000, 'x')",
    }


def _postgresql() -> dict[str, str]:
    def later(what: str, days: str | int) -> str:
        return f"(CAST({what} AS TIMESTAMPTZ) + ({days}) * INTERVAL '24 hours')"

    return _common(later) | {
        "instant": "TIMESTAMPTZ",
        "no": "FALSE",
        "yes": "TRUE",
        "disputed": "(fate = 'disputed' AND back_at IS NOT NULL)",
        "third_day": "to_char((at AT TIME ZONE 'UTC') + INTERVAL '3 days', 'YYYY-MM-DD')",
        "that_day": "CAST(substr(payout, 7) || ' 03:00:00+00' AS TIMESTAMPTZ)",
        "space": "position(' ' in name)",
        "body": "repeat('x', 2000)",
    }


def _common(later: Callable[[str, str | int], str]) -> dict[str, str]:
    end = f"'{ENDED:%Y-%m-%d %H:%M:%S.%f}'"
    return {
        "mode": MODE,
        "ended": later(end, 0),
        "today": later(end, 25),
        "lately": later(end, -90),
        "last_day": f"{ENDED:%Y-%m-%d}",
        "quarterly": later("p.started_at", f"k * {DAYS}"),
        "daily": later("p.started_at", "k"),
        "given": later("p.started_at", "k * 40 - 10"),
        "recovered": later("made_at", 3),
        "returned": later("made_at", 7),
        "quarter_later": later("made_at", DAYS),
        "available": later("at", 2),
    }
