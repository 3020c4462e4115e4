"""What came of gift links whose giver is forgotten: numbers by article.

Revision ID: 0034
Revises: 0032

"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None

COUNTS = ("links", "opened", "signed_up", "paid")


def upgrade():
    op.create_table(
        "past_gifts",
        sa.Column("key", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_past_gifts")),
    )


def downgrade():
    op.drop_table("past_gifts")
