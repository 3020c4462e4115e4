"""What the demo newsroom starts with: plans, articles and accounts."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import current_app
from flask_security import hash_password
from sqlalchemy import select

from paywall import clock
from paywall.accounts import factors, readers, staff
from paywall.accounts.models import Reader, StaffRole
from paywall.articles.importers.markdown import import_markdown
from paywall.billing import checkout, customers
from paywall.billing.cashbook import walk
from paywall.billing.setup import setup
from paywall.config import Settings
from paywall.db import db
from paywall.membership import plans, record
from paywall.membership.models import Plan, PlanState, Price
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money
from paywall.sandbox import Card, Sandbox

ARTICLES = Path(__file__).parent / "articles"
# Printed at the start of the demo, for anyone to use.
PASSWORD = "demo-newsroom-2026"  # noqa: S105
# The reason in the trail for all that it begins with.
BEGUN = "The demo begins with it"

PLANS = (
    PlanText(
        slug="supporter",
        name="Supporter",
        description="Read every article we write.",
        prices={Interval.MONTH: Money(500, "eur"), Interval.YEAR: Money(5000, "eur")},
        position=1,
    ),
    PlanText(
        slug="circle",
        name="Editors’ circle",
        description="Everything a supporter reads, and the editors’ own notes on how a story came about.",
        prices={Interval.MONTH: Money(1500, "eur"), Interval.YEAR: Money(15000, "eur")},
        trial_days=14,
        position=2,
    ),
    PlanText(
        slug="group",
        name="Group",
        description="Every article, for a school, a company or a family.",
        prices={Interval.MONTH: Money(400, "eur"), Interval.YEAR: Money(4000, "eur")},
        position=3,
        seats=SeatRange(3, 50),
    ),
    PlanText(
        slug="founder",
        name="Founder",
        description="For those who helped us start; by invitation.",
        prices={Interval.YEAR: Money(30000, "eur")},
        position=4,
        state=PlanState.HIDDEN,
    ),
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Someone to sign in as."""

    email: str
    password: str
    who: str
    role: StaffRole | None = None


PATRON = DemoAccount("patron@demo.example", PASSWORD, "a patron who pays each month")
ACCOUNTS = (
    DemoAccount("reader@demo.example", PASSWORD, "a reader with a free account"),
    PATRON,
    DemoAccount("owner@demo.example", PASSWORD, "staff: may do everything", StaffRole.OWNER),
    DemoAccount("membership@demo.example", PASSWORD, "staff: helps readers", StaffRole.MEMBERSHIP),
    DemoAccount("editor@demo.example", PASSWORD, "staff: writes and gates", StaffRole.EDITOR),
    DemoAccount("bookkeeper@demo.example", PASSWORD, "staff: reads the books", StaffRole.BOOKKEEPER),
)


def seed() -> tuple[DemoAccount, ...]:
    """Fill an empty database, and leave a filled one as it is; commits. Returns who to sign in as."""
    settings: Settings = current_app.extensions["settings"]
    for text in PLANS:
        plans.write(text, BEGUN)
    db.session.commit()
    for _ in setup(settings.site_url):
        pass
    report = import_markdown([ARTICLES], reason=BEGUN)
    if report.problems:
        raise RuntimeError("\n".join(report.lines()))
    db.session.commit()
    people = {account: _account(account) for account in ACCOUNTS}
    for account, reader in people.items():
        if account.role:
            _appoint(reader, account.role)
    _pay(people[PATRON])
    walk.hourly()
    return ACCOUNTS


def _account(account: DemoAccount) -> Reader:
    reader = readers.find_or_add(account.email)
    if reader.password is None:
        reader.password, reader.confirmed_at = hash_password(account.password), clock.now()
    db.session.commit()
    return reader


def _appoint(reader: Reader, role: StaffRole) -> None:
    """With the role, and a phone that is shown at /sandbox/phones."""
    staff.appoint(reader.email, role, BEGUN)
    if factors.of(reader.id) is None:
        # With the code before the present one, so that this can be used at the first sign-in.
        salt, before = factors.new_salt(), clock.wall() - timedelta(seconds=30)
        factors.enrol(reader, salt, factors.digits(salt, before))
    db.session.commit()


def _pay(reader: Reader) -> None:
    """Take the reader through the payment page, once."""
    if record.live(reader.id):
        return
    stand_in: Sandbox = current_app.extensions["sandbox"]
    reader_id = reader.id
    price = db.session.scalars(
        select(Price)
        .join(Plan)
        .where(Plan.slug == "supporter", Price.interval == Interval.MONTH, Price.active)
    ).one()
    with current_app.test_request_context():
        address = checkout.begin(reader, price.id, None)
    card = Card(
        number="4242424242424242", exp_month=12, exp_year=clock.now().year + 3, cvc="123", name="Demo Patron"
    )
    stand_in.checkout.pay(address.rpartition("/")[2], card)
    customers.sync_reader(reader_id)
