"""The cash book, and one roll of tickets for every look at Stripe.

Revision ID: 0007
Revises: 0006

"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MODES = ("sandbox", "test", "live")
KEPT = ("payment", "refund", "dispute", "balance_transaction", "payout", "invoice_line")


def mode(*, nullable=False):
    kinds = sa.Enum(*MODES, name="mode", native_enum=False, create_constraint=True, length=32)
    return sa.Column("mode", kinds, nullable=nullable)


def kept(name, *columns):
    op.create_table(
        name,
        *columns,
        sa.Column("id", sa.Integer(), nullable=False),
        mode(),
        sa.Column("stripe_id", sa.String(length=255), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("stripe_id", "mode", name=op.f(f"uq_{name}_stripe_id_mode")),
    )


def money(name):
    return sa.Column(name, sa.BigInteger(), nullable=False)


def instant(name, *, nullable=False):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def stripe_id(name, *, nullable=True):
    return sa.Column(name, sa.String(length=255), nullable=nullable)


def word(name, *, nullable=False):
    return sa.Column(name, sa.String(length=60), nullable=nullable)


def yes_or_no(name):
    return sa.Column(name, sa.Boolean(), nullable=False)


def reader(table):
    return (
        sa.Column("reader_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["reader_id"], ["reader.id"], name=op.f(f"fk_{table}_reader_id_reader")),
    )


def index(table, *columns):
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def upgrade():
    roll()
    widen_invoice()
    kept(
        "invoice_line",
        stripe_id("invoice", nullable=False),
        stripe_id("price"),
        money("amount"),
        yes_or_no("is_proration"),
        instant("period_start"),
        instant("period_end"),
    )
    index("invoice_line", "invoice")
    kept(
        "payment",
        *reader("payment"),
        stripe_id("customer"),
        stripe_id("payment_intent"),
        stripe_id("invoice"),
        money("amount"),
        money("refunded"),
        word("status"),
        word("decline_code", nullable=True),
        yes_or_no("is_disputed"),
        stripe_id("transaction"),
        instant("made_at"),
    )
    index("payment", "reader_id", "invoice", "made_at")
    kept(
        "refund",
        stripe_id("charge"),
        money("amount"),
        word("status"),
        word("reason", nullable=True),
        word("failure_reason", nullable=True),
        stripe_id("transaction"),
        instant("made_at"),
    )
    index("refund", "charge", "status", "made_at")
    kept(
        "dispute",
        stripe_id("charge", nullable=False),
        money("amount"),
        money("moved"),
        word("status"),
        word("reason"),
        instant("opened_at"),
        instant("closed_at", nullable=True),
        instant("due_by", nullable=True),
    )
    index("dispute", "charge", "status", "opened_at")
    kept(
        "balance_transaction",
        word("type"),
        word("category"),
        money("amount"),
        money("fee"),
        money("net"),
        word("status"),
        stripe_id("source"),
        stripe_id("payout"),
        instant("made_at"),
        instant("available_at"),
    )
    index("balance_transaction", "status", "source", "payout", "made_at")
    kept(
        "payout",
        money("amount"),
        word("status"),
        yes_or_no("is_automatic"),
        word("reconciliation"),
        word("failure_code", nullable=True),
        instant("made_at"),
        instant("arrives_at"),
    )
    index("payout", "made_at")
    op.create_table(
        "cash_walk",
        sa.Column("id", sa.Integer(), nullable=False),
        mode(),
        sa.Column("part", sa.String(length=20), nullable=False),
        stripe_id("cursor"),
        instant("began_at", nullable=True),
        instant("seen_until", nullable=True),
        instant("beat_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_walk")),
        sa.UniqueConstraint("mode", name=op.f("uq_cash_walk_mode")),
    )


def downgrade():
    for name in ("cash_walk", *KEPT, "ticket_roll"):
        op.drop_table(name)
    narrow_invoice()


def roll():
    """Tickets were counted for each customer; the roll goes on above all of them."""
    op.create_table(
        "ticket_roll",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_roll")),
    )
    op.execute(
        "INSERT INTO ticket_roll (id, last) SELECT 1, COALESCE(MAX(ticket), 0) FROM stripe_customer"
    )


def widen_invoice():
    """What the next sync of each reader fills in has a default until then; the ids are of one mode only."""
    with op.batch_alter_table("invoice") as table:
        table.add_column(mode(nullable=True))
        for name in ("customer", "subscription"):
            table.add_column(stripe_id(name))
        table.add_column(sa.Column("reason", sa.String(length=60), nullable=True))
        for name in (
            "ticket", "discount", "tax", "amount_due", "amount_paid", "amount_remaining", "amount_off_stripe"
        ):
            table.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        for name in ("paid_at", "period_start", "period_end"):
            table.add_column(instant(name, nullable=True))
    op.execute(
        "UPDATE invoice SET period_start = made_at, period_end = made_at, amount_due = amount, mode = COALESCE("
        "(SELECT MIN(mode) FROM stripe_customer WHERE stripe_customer.reader_id = invoice.reader_id), 'sandbox')"
    )
    with op.batch_alter_table("invoice") as table:
        table.alter_column("mode", existing_type=sa.String(length=32), nullable=False)
        for name in ("period_start", "period_end"):
            table.alter_column(name, existing_type=sa.DateTime(timezone=True), nullable=False)
        table.alter_column("reader_id", existing_type=sa.Integer(), nullable=True)
        table.drop_constraint("uq_invoice_stripe_id", type_="unique")
        table.create_unique_constraint("uq_invoice_stripe_id_mode", ["stripe_id", "mode"])
    index("invoice", "paid_at")


def narrow_invoice():
    op.drop_index("ix_invoice_paid_at", "invoice")
    op.execute("DELETE FROM invoice WHERE reader_id IS NULL")
    with op.batch_alter_table("invoice") as table:
        table.drop_constraint("uq_invoice_stripe_id_mode", type_="unique")
        table.create_unique_constraint("uq_invoice_stripe_id", ["stripe_id"])
        table.drop_constraint("mode", type_="check")
        for name in (
            "mode", "customer", "subscription", "reason", "ticket", "discount", "tax", "amount_due",
            "amount_paid", "amount_remaining", "amount_off_stripe", "paid_at", "period_start", "period_end",
        ):
            table.drop_column(name)
        table.alter_column("reader_id", existing_type=sa.Integer(), nullable=False)
