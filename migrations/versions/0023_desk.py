"""The desk: names, former addresses, accounts that were joined, grace by hand, and what finds them.

Revision ID: 0023
Revises: 0022

"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

DOMAIN = "replace(email, rtrim(email, replace(email, '@', '')), '')"
BEGINNINGS = "text_pattern_ops"


def upgrade():
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("reader", sa.Column("name", sa.String(length=100), nullable=True))
    # SQLite can add only such a one as is reckoned when it is read; the index has it at hand.
    domain = sa.Computed(DOMAIN, persisted=not is_sqlite)
    op.add_column("reader", sa.Column("domain", sa.String(length=320), domain, nullable=False))
    # No foreign key: SQLite could not drop the column again without making the table anew.
    op.add_column("reader", sa.Column("merged_into_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_reader_merged_into_id"), "reader", ["merged_into_id"])
    op.create_index("ix_reader_domain", "reader", ["domain"], postgresql_ops={"domain": BEGINNINGS})
    op.create_index("ix_reader_email_beginnings", "reader", ["email"], postgresql_ops={"email": BEGINNINGS})
    op.create_table(
        "name_word",
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name=op.f("fk_name_word_reader_id_reader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reader_id", "word", name=op.f("pk_name_word")),
    )
    op.create_index(
        "ix_name_word_word", "name_word", ["word", "reader_id"], postgresql_ops={"word": BEGINNINGS}
    )
    op.create_table(
        "former_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name=op.f("fk_former_address_reader_id_reader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_address")),
    )
    op.create_index(op.f("ix_former_address_reader_id"), "former_address", ["reader_id"])
    op.create_index(op.f("ix_former_address_email"), "former_address", ["email"])
    op.add_column("subscription", sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_invoice_number"), "invoice", ["number"])
    op.create_index(op.f("ix_payment_payment_intent"), "payment", ["payment_intent"])


def downgrade():
    op.drop_index(op.f("ix_payment_payment_intent"), table_name="payment")
    op.drop_index(op.f("ix_invoice_number"), table_name="invoice")
    op.drop_column("subscription", "grace_until")
    op.drop_table("former_address")
    op.drop_table("name_word")
    op.drop_index(op.f("ix_reader_merged_into_id"), table_name="reader")
    op.drop_column("reader", "merged_into_id")
    op.drop_index("ix_reader_email_beginnings", table_name="reader")
    op.drop_index("ix_reader_domain", table_name="reader")
    op.drop_column("reader", "domain")
    op.drop_column("reader", "name")
