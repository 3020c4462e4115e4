"""Why readers leave, rolled up; so the ledger needs no index of its own for that any more.

Revision ID: 0028
Revises: 0027

"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SOURCES = ("stripe", "patreon", "gift", "group", "comp")
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
    "resumed",
    "ended",
)
LEAVING = sa.text("change IN ('ended', 'canceling', 'cancel_undone')")


def word(name, words):
    kind = sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=False)


def upgrade():
    op.create_table(
        "report_parting",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.Integer(), autoincrement=False, nullable=False),
        word("source", SOURCES),
        word("change", CHANGES),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "plan_id", "source", "change", "reason", name=op.f("pk_report_parting")
        ),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_membership_event_leaving", table_name="membership_event")


def downgrade():
    op.create_index(
        "ix_membership_event_leaving",
        "membership_event",
        ["change", "at", "source", "status", "plan_id", "feedback", "subscription_id"],
        sqlite_where=LEAVING,
        postgresql_where=LEAVING,
    )
    op.drop_table("report_parting")
