"""Gift links: articles that patrons give away, and who signed up by one.

Revision ID: 0016
Revises: 0015

"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def instant(name, *, nullable=False):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def number(name):
    return sa.Column(name, sa.Integer(), nullable=False)


def belongs(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade():
    op.create_table(
        "gift_link",
        number("id"),
        number("giver_id"),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        instant("made_at"),
        instant("until"),
        instant("revoked_at", nullable=True),
        number("opened"),
        belongs("gift_link", "giver_id", "reader"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_link")),
    )
    op.create_index("ix_gift_link_giver_id_made_at", "gift_link", ["giver_id", "made_at"])
    op.create_table(
        "gift_arrival",
        number("id"),
        number("gift_link_id"),
        number("reader_id"),
        instant("at"),
        belongs("gift_arrival", "gift_link_id", "gift_link"),
        belongs("gift_arrival", "reader_id", "reader"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_arrival")),
        sa.UniqueConstraint("reader_id", name=op.f("uq_gift_arrival_reader_id")),
    )
    op.create_index(op.f("ix_gift_arrival_gift_link_id"), "gift_arrival", ["gift_link_id"])


def downgrade():
    op.drop_table("gift_arrival")
    op.drop_table("gift_link")
