"""From teaser to payment: steps by day, articles by day and month, first payments.

Revision ID: 0026
Revises: 0025

"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

STEPS = ("visit", "meter_spent", "offer", "sign_up_page", "account", "plan_page", "checkout")


def day(name="day"):
    return sa.Column(name, sa.Date(), nullable=False)


def text(name, length):
    return sa.Column(name, sa.String(length=length), nullable=False)


def numbers(*names):
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def amount(name):
    return sa.Column(name, sa.BigInteger(), nullable=False)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def key(table, *columns):
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def belongs(table, other, **how):
    column = f"{other}_id"
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), **how
    )


def upgrade():
    op.create_table(
        "journey_day",
        day(),
        sa.Column(
            "step",
            sa.Enum(*STEPS, name="step", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        *numbers("times"),
        key("journey_day", "day", "step"),
    )
    op.create_table(
        "article_day",
        day(),
        text("key", 64),
        text("word", 32),
        *numbers("times"),
        key("article_day", "day", "key", "word"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "article_month",
        text("key", 64),
        day("month"),
        *numbers("visits", "offers", "meter_spent", "sign_ups"),
        key("article_month", "key", "month"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "article_path",
        text("key", 64),
        sa.Column("path", sa.Text(), nullable=False),
        key("article_path", "key"),
    )
    op.create_table(
        "article_paid",
        text("key", 64),
        day(),
        *numbers("plan_id"),
        text("currency", 3),
        *numbers("last"),
        amount("last_amount"),
        *numbers("any"),
        amount("any_amount"),
        belongs("article_paid", "plan"),
        key("article_paid", "key", "day", "plan_id", "currency"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "first_payment",
        *numbers("reader_id", "plan_id", "amount"),
        text("currency", 3),
        instant("paid_at"),
        day(),
        belongs("first_payment", "plan"),
        belongs("first_payment", "reader"),
        key("first_payment", "reader_id"),
    )
    op.create_index("ix_first_payment_day", "first_payment", ["day", "plan_id", "currency"])
    op.create_table(
        "carried_touches",
        *numbers("reader_id"),
        sa.Column("keys", sa.Text(), nullable=False),
        instant("at"),
        belongs("carried_touches", "reader", ondelete="CASCADE"),
        key("carried_touches", "reader_id"),
    )
    op.create_index(op.f("ix_carried_touches_at"), "carried_touches", ["at"])


def downgrade():
    for table in (
        "carried_touches",
        "first_payment",
        "article_paid",
        "article_path",
        "article_month",
        "article_day",
        "journey_day",
    ):
        op.drop_table(table)
