"""Gates by rules, windows and unlocks; free reads of signed-in readers.

Revision ID: 0013
Revises: 0012

"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("article") as batch:
        batch.add_column(sa.Column("tags", sa.String(1000), nullable=False, server_default=""))
        batch.add_column(sa.Column("free_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("free_from", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("first_hours", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("archive_days", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("is_metered", sa.Boolean(), nullable=True))
    with op.batch_alter_table("article") as batch:
        batch.alter_column("tags", server_default=None)
    op.create_table(
        "gate_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=True),
        sa.Column("tag", sa.String(60), nullable=True),
        sa.Column("gate", sa.String(200), nullable=False),
        sa.Column("first_hours", sa.Integer(), nullable=True),
        sa.Column("archive_days", sa.Integer(), nullable=True),
        sa.Column("is_metered", sa.Boolean(), nullable=True),
        sa.CheckConstraint("section_id IS NULL OR tag IS NULL", name=op.f("ck_gate_rule_one_kind")),
        sa.ForeignKeyConstraint(["section_id"], ["section.id"], name=op.f("fk_gate_rule_section_id_section")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_rule")),
    )
    op.create_table(
        "unlock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("tag", sa.String(60), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(400), nullable=False),
        sa.Column("opened_by", sa.String(320), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(320), nullable=True),
        sa.CheckConstraint("(article_id IS NULL) <> (tag IS NULL)", name=op.f("ck_unlock_one_thing")),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_unlock_article_id_article"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unlock")),
    )
    op.create_index(op.f("ix_unlock_until"), "unlock", ["until"])
    op.create_table(
        "meter_read",
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name=op.f("fk_meter_read_reader_id_reader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reader_id", "key", name=op.f("pk_meter_read")),
    )
    op.create_index(op.f("ix_meter_read_read_at"), "meter_read", ["read_at"])


def downgrade():
    op.drop_table("meter_read")
    op.drop_table("unlock")
    op.drop_table("gate_rule")
    # An older house knows no gate that says nothing.
    op.execute("UPDATE article SET gate = 'patrons' WHERE gate = ''")
    with op.batch_alter_table("article") as batch:
        for column in ("is_metered", "archive_days", "first_hours", "free_from", "free_until", "tags"):
            batch.drop_column(column)
