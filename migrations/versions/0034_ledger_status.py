"""Who stands where is found in the ledger by the status.

Revision ID: 0034
Revises: 0033

"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

NAME = "ix_membership_event_status"


def upgrade():
    op.create_index(NAME, "membership_event", ["status", "subscription_id"])


def downgrade():
    op.drop_index(NAME, table_name="membership_event")
