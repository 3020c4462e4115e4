"""Until when a reader's membership is being changed, so that two tabs follow one another.

Revision ID: 0011
Revises: 0010

"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("stripe_customer") as batch:
        batch.add_column(sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    with op.batch_alter_table("stripe_customer") as batch:
        batch.drop_column("busy_until")
