"""Gifts: bought once, redeemed once.

Revision ID: 0003
Revises: 0002

"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MODES = ("sandbox", "test", "live")
STATES = ("open", "lapsed", "paid", "redeemed", "ended", "void")
WHYS = ("refunded", "disputed", "staff")


def words(name, values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def instant(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade():
    op.create_table(
        "gift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", words("mode", MODES), nullable=False),
        sa.Column("state", words("giftstate", STATES), nullable=False),
        sa.Column("void_why", words("void", WHYS), nullable=True),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("buyer_id", sa.Integer(), nullable=True),
        sa.Column("buyer_name", sa.String(length=100), nullable=False),
        sa.Column("buyer_email", sa.String(length=320), nullable=False),
        sa.Column("recipient_name", sa.String(length=100), nullable=False),
        sa.Column("recipient_email", sa.String(length=320), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        instant("deliver_at", nullable=False),
        instant("delivered_at"),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("payment_intent", sa.String(length=255), nullable=True),
        sa.Column("charge", sa.String(length=255), nullable=True),
        instant("made_at", nullable=False),
        instant("paid_at"),
        sa.Column("redeemer_id", sa.Integer(), nullable=True),
        instant("redeemed_at"),
        instant("starts_at"),
        instant("ends_at"),
        instant("begun_at"),
        sa.CheckConstraint("months > 0", name=op.f("ck_gift_months")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_gift_plan_id_plan")),
        sa.ForeignKeyConstraint(["buyer_id"], ["reader.id"], name=op.f("fk_gift_buyer_id_reader")),
        sa.ForeignKeyConstraint(["redeemer_id"], ["reader.id"], name=op.f("fk_gift_redeemer_id_reader")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift")),
        *(
            sa.UniqueConstraint(name, name=op.f(f"uq_gift_{name}"))
            for name in ("code_hash", "session_id", "payment_intent", "charge")
        ),
    )
    op.create_index(op.f("ix_gift_buyer_id"), "gift", ["buyer_id"])
    op.create_index("ix_gift_state_deliver_at", "gift", ["state", "deliver_at"])
    op.create_index("ix_gift_redeemer_id_ends_at", "gift", ["redeemer_id", "ends_at"])


def downgrade():
    op.drop_table("gift")
