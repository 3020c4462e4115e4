"""The first failure of a bill is found in an index alone.

Revision ID: 0031
Revises: 0030

"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

FAILED = sa.text("status = 'failed'")
FIRST, OLD = "ix_payment_failed_first", "ix_payment_failed_invoice"


def upgrade():
    columns = ["invoice", "made_at", "id", "decline_code", "mode", "status"]
    op.create_index(FIRST, "payment", columns, sqlite_where=FAILED, postgresql_where=FAILED)
    op.drop_index(OLD, table_name="payment")


def downgrade():
    columns = ["invoice", "made_at", "mode", "status"]
    op.create_index(OLD, "payment", columns, sqlite_where=FAILED, postgresql_where=FAILED)
    op.drop_index(FIRST, table_name="payment")
