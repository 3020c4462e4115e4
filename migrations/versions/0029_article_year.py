"""Counts of articles by year, summed up from their months; months lie in the order of months. Articles by shelf.

Revision ID: 0029
Revises: 0028

"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

COUNTS = ("visits", "offers", "meter_spent", "sign_ups")
YEAR = {"sqlite": "date(month, 'start of year')", "postgresql": "date_trunc('year', month)::date"}


def upgrade():
    op.create_table(
        "article_year",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        *[sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS],
        sa.PrimaryKeyConstraint("key", "year", name=op.f("pk_article_year")),
        sqlite_with_rowid=False,
    )
    year = YEAR[op.get_context().dialect.name]
    sums = ", ".join(f"SUM({name})" for name in COUNTS)
    op.execute(
        f"INSERT INTO article_year (key, year, {', '.join(COUNTS)})"
        f" SELECT key, {year}, {sums} FROM article_month GROUP BY key, {year}"
    )
    _in_order("month", "key")
    op.create_index("ix_article_shelf", "article", ["id", "section_id", "byline"])


def downgrade():
    op.drop_index("ix_article_shelf", table_name="article")
    _in_order("key", "month")
    op.drop_table("article_year")


def _in_order(*columns):
    with op.batch_alter_table("article_month", table_kwargs={"sqlite_with_rowid": False}) as month:
        month.drop_constraint("pk_article_month", type_="primary")
        month.create_primary_key("pk_article_month", list(columns))
