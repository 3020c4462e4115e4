"""Letters: what each is about and worth, the proof that it went out, why one did not; cards and waiting bills.

Revision ID: 0008
Revises: 0007

"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CARE = ("once", "key", "notice")
UNSENT = ("late", "untrue", "in_doubt", "given_up")


def words(name, values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def create_price_changes():
    op.create_table(
        "price_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("interval", words("interval", ("month", "year")), nullable=False),
        sa.Column("price_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_price_change_plan_id_plan")),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_price_change_price_id_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change")),
    )
    open_ones = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_price_change_open",
        "price_change",
        ["plan_id", "interval"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
    op.create_table(
        "price_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("counts_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"], ["price_change.id"], name=op.f("fk_price_move_change_id_price_change")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
            name=op.f("fk_price_move_subscription_id_subscription"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_move")),
        sa.UniqueConstraint(
            "change_id", "subscription_id", name=op.f("uq_price_move_change_id_subscription_id")
        ),
    )
    op.create_index(op.f("ix_price_move_subscription_id"), "price_move", ["subscription_id"])


def upgrade():
    with op.batch_alter_table("letter") as table:
        table.add_column(sa.Column("about", sa.Integer(), nullable=True))
        table.add_column(sa.Column("care", words("care", CARE), nullable=False, server_default="key"))
        table.add_column(sa.Column("message_id", sa.String(length=255), nullable=True))
        table.add_column(sa.Column("send_by", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("unsent", words("unsent", UNSENT), nullable=True))
    op.execute("UPDATE letter SET message_id = '<letter-' || id || '@' || 'earlier>'")
    op.execute("UPDATE letter SET unsent = 'given_up' WHERE sent_at IS NULL AND try_at IS NULL")
    with op.batch_alter_table("letter") as table:
        table.alter_column("message_id", existing_type=sa.String(length=255), nullable=False)
    op.create_table(
        "collection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("card_key", sa.String(length=255), nullable=True),
        sa.Column("card_brand", sa.String(length=40), nullable=True),
        sa.Column("card_last4", sa.String(length=4), nullable=True),
        sa.Column("card_ends", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bill", sa.String(length=255), nullable=True),
        sa.Column("bill_amount", sa.Integer(), nullable=True),
        sa.Column("bill_currency", sa.String(length=3), nullable=True),
        sa.Column("bill_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_action", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
            name=op.f("fk_collection_subscription_id_subscription"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_collection_subscription_id")),
    )
    op.create_index("ix_collection_card_ends", "collection", ["card_ends"])
    create_price_changes()


def downgrade():
    for table in ("price_move", "price_change", "collection"):
        op.drop_table(table)
    with op.batch_alter_table("letter") as table:
        for check in ("ck_letter_care", "ck_letter_unsent"):
            table.drop_constraint(op.f(check), type_="check")
        for column in ("unsent", "handed_at", "send_by", "message_id", "care", "about"):
            table.drop_column(column)
