"""What a subscription's price is lowered by, and until when.

Revision ID: 0002
Revises: 0001

"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("subscription") as table:
        table.add_column(sa.Column("discount", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("discount_until", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    with op.batch_alter_table("subscription") as table:
        table.drop_column("discount_until")
        table.drop_column("discount")
