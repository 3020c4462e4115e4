"""The ledger rolled up by day and by cohort, for reports that read few rows.

Revision ID: 0021
Revises: 0020

"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KINDS = (
    "active",
    "trial",
    "grace",
    "members",
    "joined",
    "rejoined",
    "left",
    "new",
    "returning",
    "up",
    "down",
    "lost",
    "trial_begun",
    "trial_converted",
    "trial_ended",
)


def upgrade():
    op.create_index("ix_subscription_twice", "subscription", ["source", "reader_id", "status"])
    op.create_table(
        "report_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("last_line", sa.Integer(), nullable=False),
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mark")),
    )
    op.create_table(
        "report_day",
        sa.Column("plan_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "source", "day", "currency", "kind", name=op.f("pk_report_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_cohort",
        sa.Column("plan_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "plan_id", "source", "currency", "cohort", "month", name=op.f("pk_report_cohort")
        ),
        sqlite_with_rowid=False,
    )


def downgrade():
    op.drop_table("report_cohort")
    op.drop_table("report_day")
    op.drop_table("report_mark")
    op.drop_index("ix_subscription_twice", table_name="subscription")
