"""The cash book: what reports add up of payments and of the balance is found in indexes alone.

Revision ID: 0030
Revises: 0029

"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

PARTS = {
    "ix_payment_failed": (["made_at", "invoice", "decline_code", "mode", "status"], "failed"),
    "ix_payment_failed_invoice": (["invoice", "made_at", "mode", "status"], "failed"),
    "ix_payment_came_in": (
        ["currency", "country", "reader_id", "made_at", "mode", "amount", "refunded", "status"],
        "succeeded",
    ),
}
HELD = "ix_balance_transaction_held"


def upgrade():
    for name, (columns, status) in PARTS.items():
        where = sa.text(f"status = '{status}'")
        op.create_index(name, "payment", columns, sqlite_where=where, postgresql_where=where)
    op.create_index(HELD, "balance_transaction", ["currency", "made_at", "mode", "net"])


def downgrade():
    op.drop_index(HELD, table_name="balance_transaction")
    for name in PARTS:
        op.drop_index(name, table_name="payment")
