"""Which look at Stripe a gift was last written from.

Revision ID: 0004
Revises: 0003

"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("gift") as table:
        table.add_column(sa.Column("ticket", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("written", sa.Integer(), nullable=False, server_default="0"))


def downgrade():
    with op.batch_alter_table("gift") as table:
        table.drop_column("written")
        table.drop_column("ticket")
