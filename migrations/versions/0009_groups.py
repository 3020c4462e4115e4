"""Groups: plans with seats, who has them, who is invited.

Revision ID: 0009
Revises: 0008

"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHYS = ("went", "removed", "surplus")
SEATS = (
    "CONSTRAINT ck_plan_seats CHECK ((seats_min IS NULL) = (seats_max IS NULL)"
    " AND (seats_min IS NULL OR (seats_min >= 2 AND seats_max >= seats_min)))"
)


def instant(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def number(name, *, nullable=False):
    return sa.Column(name, sa.Integer(), nullable=nullable)


def belongs(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade():
    # In plain SQL: with a CHECK, Alembic would copy the table on SQLite, and other tables refer to it.
    op.execute("ALTER TABLE plan ADD COLUMN seats_min INTEGER")
    op.execute(f"ALTER TABLE plan ADD COLUMN seats_max INTEGER {SEATS}")
    op.add_column("subscription", sa.Column("seats", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "seat_group",
        number("id"),
        number("subscription_id"),
        instant("surplus_until"),
        instant("made_at", nullable=False),
        belongs("seat_group", "subscription_id", "subscription"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_group")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_seat_group_subscription_id")),
    )
    op.create_table(
        "seat",
        number("id"),
        number("group_id"),
        number("reader_id"),
        instant("joined_at", nullable=False),
        instant("left_at"),
        sa.Column(
            "why",
            sa.Enum(*WHYS, name="left", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        belongs("seat", "group_id", "seat_group"),
        belongs("seat", "reader_id", "reader"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
    )
    still = sa.text("left_at IS NULL")
    op.create_index(
        "ix_seat_taken",
        "seat",
        ["group_id", "reader_id"],
        unique=True,
        sqlite_where=still,
        postgresql_where=still,
    )
    op.create_index(op.f("ix_seat_reader_id"), "seat", ["reader_id"])
    op.create_table(
        "invitation",
        number("id"),
        number("group_id"),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        instant("until", nullable=False),
        number("letters"),
        instant("sent_at"),
        instant("revoked_at"),
        instant("accepted_at"),
        number("accepted_by", nullable=True),
        belongs("invitation", "group_id", "seat_group"),
        belongs("invitation", "accepted_by", "reader"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("group_id", "email", name=op.f("uq_invitation_group_id_email")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_until"), "invitation", ["until"])


def downgrade():
    for table in ("invitation", "seat", "seat_group"):
        op.drop_table(table)
    op.drop_column("subscription", "seats")
    op.execute("ALTER TABLE plan DROP COLUMN seats_max")
    op.execute("ALTER TABLE plan DROP COLUMN seats_min")
