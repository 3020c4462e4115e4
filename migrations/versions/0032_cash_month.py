"""What Stripe held is kept by month, and what came of a bill is found in an index alone.

Revision ID: 0032
Revises: 0031

"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

HELD, OUTCOME = "ix_balance_transaction_held", "ix_invoice_outcome"
SAID = ("mode", "currency", "made_at", "net")
SQLITE = (
    f"CREATE TRIGGER cash_month_update AFTER UPDATE OF {', '.join(SAID)} ON balance_transaction"
    f" WHEN {' OR '.join(f'OLD.{name} IS NOT NEW.{name}' for name in SAID)}"
    " BEGIN DELETE FROM cash_month; END",
    "CREATE TRIGGER cash_month_delete AFTER DELETE ON balance_transaction BEGIN DELETE FROM cash_month; END",
)
POSTGRESQL = (
    "CREATE FUNCTION cash_month_forget() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN DELETE FROM cash_month; RETURN NULL; END $$",
    f"CREATE TRIGGER cash_month_update AFTER UPDATE OF {', '.join(SAID)} ON balance_transaction FOR EACH ROW"
    f" WHEN ({' OR '.join(f'OLD.{name} IS DISTINCT FROM NEW.{name}' for name in SAID)})"
    " EXECUTE FUNCTION cash_month_forget()",
    "CREATE TRIGGER cash_month_delete AFTER DELETE ON balance_transaction FOR EACH STATEMENT"
    " EXECUTE FUNCTION cash_month_forget()",
)


def upgrade():
    op.create_table(
        "cash_month",
        sa.Column(
            "mode",
            sa.Enum(
                "sandbox", "test", "live", name="mode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mode", "currency", "month", name=op.f("pk_cash_month")),
    )
    for statement in SQLITE if _is_sqlite() else POSTGRESQL:
        op.execute(statement)
    op.drop_index(HELD, table_name="balance_transaction")
    if not _is_sqlite():
        told = ["status", "currency", "amount_due", "paid_at", "subscription"]
        op.create_index(OUTCOME, "invoice", ["stripe_id", "mode"], postgresql_include=told)


def downgrade():
    if not _is_sqlite():
        op.drop_index(OUTCOME, table_name="invoice")
    op.create_index(HELD, "balance_transaction", ["currency", "made_at", "mode", "net"])
    for name in ("update", "delete"):
        on = "" if _is_sqlite() else " ON balance_transaction"
        op.execute(f"DROP TRIGGER cash_month_{name}{on}")
    if not _is_sqlite():
        op.execute("DROP FUNCTION cash_month_forget")
    op.drop_table("cash_month")


def _is_sqlite():
    return op.get_bind().dialect.name == "sqlite"
