"""Articles as editors work on them: versions, old addresses, who saved what, and the list by last change.

Revision ID: 0024
Revises: 0023

"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

CATALOGUE = ["updated_at", "id", "section_id", "published_at", "tags"]


def upgrade():
    op.add_column("article", sa.Column("saved_by", sa.String(320), nullable=False, server_default=""))
    op.create_index("ix_article_catalogue", "article", CATALOGUE)
    op.create_table(
        "article_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("manuscript", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.String(320), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_version_article_id_article"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_version")),
        sa.UniqueConstraint("article_id", "version", name=op.f("uq_article_version_article_id_version")),
    )
    op.create_table(
        "old_address",
        sa.Column("slug", sa.String(120), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_old_address_article_id_article"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_old_address")),
    )
    op.create_index(op.f("ix_old_address_article_id"), "old_address", ["article_id"])


def downgrade():
    op.drop_table("old_address")
    op.drop_table("article_version")
    op.drop_index("ix_article_catalogue", table_name="article")
    op.drop_column("article", "saved_by")
