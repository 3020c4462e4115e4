"""What the policy asks of a subscription, what it answers, and the word for going on after a pause.

Revision ID: 0006
Revises: 0005

"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CAUSES = (
    "trial",
    "paid",
    "uncollected",
    "payment_failed",
    "unpaid",
    "break",
    "paused",
    "incomplete",
    "canceled",
    "disputed",
    "refunded",
    "unknown",
)
CHANGES = (
    "started",
    "trial_started",
    "converted",
    "upgraded",
    "downgraded",
    "switched",
    "failed",
    "recovered",
    "canceling",
    "cancel_undone",
    "paused",
    "ended",
)
INSTANTS = ("period_start", "unpaid_since", "disputed_at", "refunded_at", "grace_from", "unknown_since")


def change_words(words):
    """SQLite writes the table anew for this, and its seals do not come with it."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    allowed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("membership_event") as table:
        table.drop_constraint(op.f("ck_membership_event_change"), type_="check")
        table.create_check_constraint(op.f("ck_membership_event_change"), f"change IN ({allowed})")
    for act in ("UPDATE", "DELETE") if is_sqlite else ():
        op.execute(
            f"CREATE TRIGGER membership_event_no_{act.lower()} BEFORE {act} ON membership_event "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )


def upgrade():
    op.create_table(
        "applied_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_policy")),
    )
    with op.batch_alter_table("subscription") as table:
        for name in INSTANTS:
            table.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("collected", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column("wanted_break", sa.Boolean(), nullable=False, server_default=sa.false()))
        cause = sa.Enum(*CAUSES, name="cause", native_enum=False, create_constraint=True, length=32)
        table.add_column(sa.Column("access_cause", cause, nullable=True))
    change_words((*CHANGES, "resumed"))


def downgrade():
    change_words(CHANGES)
    with op.batch_alter_table("subscription") as table:
        table.drop_constraint(op.f("ck_subscription_cause"), type_="check")
        for name in ("access_cause", "wanted_break", "collected", *reversed(INSTANTS)):
            table.drop_column(name)
    op.drop_table("applied_policy")
