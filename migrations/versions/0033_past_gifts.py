"""What came of gift links whose giver is forgotten: numbers by article; a forgotten link's number is not used again.

Revision ID: 0033
Revises: 0032

"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
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
    if op.get_bind().dialect.name == "sqlite":
        _number_anew()


def downgrade():
    # That numbers are not used again does no harm before.
    op.drop_table("past_gifts")


def _number_anew():
    """SQLite gives the number of the last row again once that is deleted, unless the table says AUTOINCREMENT.

    The table is made anew for it, and nothing may point at it meanwhile.
    """
    arrival = sa.Table("gift_arrival", sa.MetaData(), autoload_with=op.get_bind())
    op.execute("CREATE TEMPORARY TABLE arrived AS SELECT * FROM gift_arrival")
    op.drop_table("gift_arrival")
    anew = {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": True}}
    with op.batch_alter_table("gift_link", **anew):
        pass
    arrival.create(op.get_bind())
    op.execute("INSERT INTO gift_arrival SELECT * FROM arrived")
    op.execute("DROP TABLE arrived")
