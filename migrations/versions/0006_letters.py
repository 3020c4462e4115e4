"""Letters: what each is about and worth, the proof that it went out, and why one did not.

Revision ID: 0006
Revises: 0005

"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CARE = ("once", "key", "notice")
UNSENT = ("late", "untrue", "in_doubt", "given_up")


def words(name, values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


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


def downgrade():
    with op.batch_alter_table("letter") as table:
        for check in ("ck_letter_care", "ck_letter_unsent"):
            table.drop_constraint(op.f(check), type_="check")
        for column in ("unsent", "handed_at", "send_by", "message_id", "care", "about"):
            table.drop_column(column)
