"""Institutions: who reads by e-mail domain or network, and how much was read through each.

Revision ID: 0015
Revises: 0013

"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

WAYS = ("domain", "range")


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def text(name, length):
    return sa.Column(name, sa.String(length=length), nullable=False)


def number(name, *, nullable=False):
    return sa.Column(name, sa.Integer(), nullable=nullable)


def belongs(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade():
    op.create_table(
        "institution",
        number("id"),
        text("slug", 60),
        text("name", 100),
        number("plan_id", nullable=True),
        instant("starts_at"),
        instant("ends_at"),
        instant("made_at"),
        number("changes"),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_institution_term")),
        belongs("institution", "plan_id", "plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution")),
        sa.UniqueConstraint("slug", name=op.f("uq_institution_slug")),
    )
    op.create_table(
        "institution_domain",
        number("id"),
        number("institution_id"),
        text("domain", 255),
        sa.Column("with_subdomains", sa.Boolean(), nullable=False),
        belongs("institution_domain", "institution_id", "institution"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution_domain")),
        sa.UniqueConstraint(
            "institution_id", "domain", name=op.f("uq_institution_domain_institution_id_domain")
        ),
    )
    op.create_table(
        "institution_range",
        number("id"),
        number("institution_id"),
        text("first", 39),
        text("last", 39),
        belongs("institution_range", "institution_id", "institution"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution_range")),
        sa.UniqueConstraint(
            "institution_id", "first", "last", name=op.f("uq_institution_range_institution_id_first_last")
        ),
    )
    op.create_table(
        "institution_use",
        number("institution_id"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "way",
            sa.Enum(*WAYS, name="way", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        text("key", 64),
        number("reads"),
        belongs("institution_use", "institution_id", "institution"),
        sa.PrimaryKeyConstraint("institution_id", "day", "way", "key", name=op.f("pk_institution_use")),
    )
    op.create_table(
        "counted_batch",
        text("name", 32),
        instant("at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counted_batch")),
    )
    op.create_index(op.f("ix_counted_batch_at"), "counted_batch", ["at"])


def downgrade():
    for table in (
        "counted_batch",
        "institution_use",
        "institution_range",
        "institution_domain",
        "institution",
    ):
        op.drop_table(table)
