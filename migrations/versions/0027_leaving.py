"""The ledger: lines that tell of leaving, and the line before each, are found in indexes alone.

Revision ID: 0027
Revises: 0026

"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = ["change", "at", "source", "status", "plan_id", "feedback", "subscription_id"]
LEAVING = sa.text("change IN ('ended', 'canceling', 'cancel_undone')")
BY_SUBSCRIPTION = "ix_membership_event_subscription_id"


def upgrade():
    op.create_index(
        "ix_membership_event_leaving",
        "membership_event",
        COLUMNS,
        sqlite_where=LEAVING,
        postgresql_where=LEAVING,
    )
    op.drop_index(BY_SUBSCRIPTION, table_name="membership_event")
    op.create_index(BY_SUBSCRIPTION, "membership_event", ["subscription_id", "id", "status"])


def downgrade():
    op.drop_index(BY_SUBSCRIPTION, table_name="membership_event")
    op.create_index(BY_SUBSCRIPTION, "membership_event", ["subscription_id"])
    op.drop_index("ix_membership_event_leaving", table_name="membership_event")
