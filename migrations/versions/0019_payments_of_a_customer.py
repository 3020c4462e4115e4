"""Payments by their customer: of one deleted at Stripe, each is asked for by its id.

Revision ID: 0019
Revises: 0018

"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(op.f("ix_payment_customer"), "payment", ["customer"])


def downgrade():
    op.drop_index(op.f("ix_payment_customer"), table_name="payment")
