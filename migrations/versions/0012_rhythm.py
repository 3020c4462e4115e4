"""How many months or years a subscription's price is for: staff can sell a quarter in the dashboard.

Revision ID: 0012
Revises: 0011

"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("subscription") as batch:
        batch.add_column(sa.Column("interval_count", sa.Integer(), nullable=False, server_default="1"))


def downgrade():
    with op.batch_alter_table("subscription") as batch:
        batch.drop_column("interval_count")
