"""The audit trail of what staff did, which the database lets nobody change.

Revision ID: 0020
Revises: 0019

"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SEALS = ("UPDATE", "DELETE")


def upgrade():
    op.create_table(
        "staff_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=60), nullable=False),
        sa.Column("about", sa.String(length=500), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_act")),
    )
    op.create_index(op.f("ix_staff_act_act"), "staff_act", ["act"])
    op.create_index(op.f("ix_staff_act_actor"), "staff_act", ["actor"])
    op.create_index(op.f("ix_staff_act_at"), "staff_act", ["at"])
    op.create_index("ix_staff_act_reader_id", "staff_act", ["reader_id", "id"])
    seal()


def downgrade():
    unseal()
    op.drop_table("staff_act")


def seal():
    if op.get_bind().dialect.name == "sqlite":
        for act in SEALS:
            op.execute(
                f"CREATE TRIGGER staff_act_no_{act.lower()} BEFORE {act} ON staff_act "
                "BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_trail_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the trail is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER staff_act_append_only BEFORE UPDATE OR DELETE ON staff_act "
        "FOR EACH ROW EXECUTE FUNCTION refuse_trail_change()"
    )


def unseal():
    if op.get_bind().dialect.name == "sqlite":
        for act in SEALS:
            op.execute(f"DROP TRIGGER staff_act_no_{act.lower()}")
        return
    op.execute("DROP TRIGGER staff_act_append_only ON staff_act")
    op.execute("DROP FUNCTION refuse_trail_change()")
