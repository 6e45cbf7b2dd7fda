"""Tags are a tree with aliases; what people say to proposed tags is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "tag",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("merged_into", sa.String(), nullable=True),
        sa.Column("title", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("guideline", sa.Text(), nullable=False),
        sa.Column("examples", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("patterns", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_tag_desk_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["tag.id"], name="fk_tag_parent_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["tag.id"], name="fk_tag_merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
    )
    op.create_index("ix_tag_parent", "tag", ["desk_id", "parent_id"])
    op.create_table(
        "tag_alias",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tag_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_tag_alias_desk_id"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name="fk_tag_alias_tag_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tag_alias"),
        sa.UniqueConstraint("desk_id", "name", name="uq_tag_alias_desk_id_name"),
    )
    op.create_index("ix_tag_alias_tag_id", "tag_alias", ["tag_id"])
    op.create_table(
        "tag_decision",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("tag_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("pattern", sa.String(), nullable=True),
        sa.Column("added", sa.String(), nullable=True),
        sa.Column("undoes", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_tag_decision_desk_id"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name="fk_tag_decision_tag_id"),
        sa.ForeignKeyConstraint(["undoes"], ["tag_decision.id"], name="fk_tag_decision_undoes"),
        sa.PrimaryKeyConstraint("id", name="pk_tag_decision"),
        sa.UniqueConstraint("undoes", name="uq_tag_decision_undoes"),
    )
    op.create_index("ix_tag_decision_conversation", "tag_decision", ["desk_id", "conversation_id", "tag_id"])
