"""Search: the words of each article, an index that triggers keep, and readers' own feeds.

Revision ID: 0018
Revises: 0017

"""

import html
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = ("search_title", "search_teaser", "search_body")
WATCHED = ", ".join(("published_at", "section_id", *COLUMNS))
# An article's place in the index: the second of its publication, then its id. Years after 2106 stand together.
PLACE = "min(CAST(strftime('%s', {0}published_at) AS INTEGER), 4294967295) * 2147483648 + {0}id"
ROW = "{0}section_id, {0}search_title, {0}search_teaser, {0}search_body"
FTS = "article_search(rowid, section, title, teaser, body)"
GONE = "article_search(article_search, rowid, section, title, teaser, body)"

SQLITE = (
    # A view, so that the words are stored once and FTS5 can make its index anew by itself.
    f"CREATE VIEW article_words AS SELECT {PLACE.format('')} AS place, section_id AS section, search_title AS title,"
    " search_teaser AS teaser, search_body AS body FROM article WHERE published_at IS NOT NULL",
    # The tokenizer that takes words as they come: they are folded before.
    "CREATE VIRTUAL TABLE article_search USING fts5(section, title, teaser, body, content='article_words',"
    " content_rowid='place', tokenize='ascii')",
    f"CREATE TRIGGER article_search_insert AFTER INSERT ON article WHEN NEW.published_at IS NOT NULL BEGIN"
    f" INSERT INTO {FTS} VALUES ({PLACE.format('NEW.')}, {ROW.format('NEW.')}); END",
    f"CREATE TRIGGER article_search_delete AFTER DELETE ON article WHEN OLD.published_at IS NOT NULL BEGIN"
    f" INSERT INTO {GONE} VALUES ('delete', {PLACE.format('OLD.')}, {ROW.format('OLD.')}); END",
    f"CREATE TRIGGER article_search_update AFTER UPDATE OF {WATCHED} ON article BEGIN"
    f" INSERT INTO {GONE} SELECT 'delete', {PLACE.format('OLD.')}, {ROW.format('OLD.')}"
    " WHERE OLD.published_at IS NOT NULL;"
    f" INSERT INTO {FTS} SELECT {PLACE.format('NEW.')}, {ROW.format('NEW.')}"
    " WHERE NEW.published_at IS NOT NULL; END",
    "INSERT INTO article_search(article_search) VALUES ('rebuild')",
)
POSTGRESQL = (
    # Words move out of the rows, so that a look at a hundred thousand dates reads little.
    "CREATE TABLE article_search (article_id integer PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,"
    " section_id integer NOT NULL, published_at timestamptz NOT NULL, title tsvector NOT NULL,"
    " teaser tsvector NOT NULL, body tsvector NOT NULL) WITH (toast_tuple_target = 128)",
    # What stands between two parts is no word: no phrase reaches across.
    """
    CREATE FUNCTION article_search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE title tsvector := to_tsvector('simple', NEW.search_title) || '''|'':1'::tsvector;
    BEGIN
      DELETE FROM article_search WHERE article_id = NEW.id;
      IF NEW.published_at IS NOT NULL THEN
        INSERT INTO article_search VALUES (NEW.id, NEW.section_id, NEW.published_at, title,
          title || to_tsvector('simple', NEW.search_teaser), title || to_tsvector('simple', NEW.search_body));
      END IF;
      RETURN NULL;
    END $$
    """,
    f"CREATE TRIGGER article_search AFTER INSERT OR UPDATE OF {WATCHED} ON article"
    " FOR EACH ROW EXECUTE FUNCTION article_search_follow()",
    "UPDATE article SET search_title = search_title",
    "CREATE INDEX article_search_title ON article_search USING gin (title)",
    "CREATE INDEX article_search_teaser ON article_search USING gin (teaser)",
    "CREATE INDEX article_search_body ON article_search USING gin (body)",
    "CREATE INDEX article_search_published ON article_search (published_at)",
    "CREATE INDEX article_search_section ON article_search (section_id, published_at)",
)


def upgrade():
    for name in COLUMNS:
        op.add_column("article", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    _fill(op.get_bind())
    for statement in SQLITE if _is_sqlite() else POSTGRESQL:
        op.execute(sa.text(statement.replace(":", r"\:")))
    op.create_table(
        "personal_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name=op.f("fk_personal_feed_reader_id_reader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_feed")),
        sa.UniqueConstraint("reader_id", name=op.f("uq_personal_feed_reader_id")),
    )


def downgrade():
    op.drop_table("personal_feed")
    if _is_sqlite():
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER article_search_{name}")
        op.execute("DROP TABLE article_search")
        op.execute("DROP VIEW article_words")
    else:
        op.execute("DROP TRIGGER article_search ON article")
        op.execute("DROP FUNCTION article_search_follow")
        op.execute("DROP TABLE article_search")
    for name in COLUMNS:
        op.drop_column("article", name)


def _is_sqlite():
    return op.get_bind().dialect.name == "sqlite"


def _fill(connection):
    """The words of the articles that are there already, as articles/words.py made them at this revision."""
    articles = sa.table(
        "article", *map(sa.column, ("id", "title", "standfirst", "byline", "teaser_text", "full_html", *COLUMNS))
    )
    for number in connection.scalars(sa.select(articles.c.id).order_by(articles.c.id)).all():
        row = connection.execute(sa.select(articles).where(articles.c.id == number)).one()
        beside = (row.standfirst, row.byline)
        plain = html.unescape(re.sub(r"<[^>]*>", " ", row.full_html))
        words = map(_words, ((row.title,), (*beside, row.teaser_text), (*beside, plain)))
        given = dict(zip(COLUMNS, words, strict=True))
        connection.execute(articles.update().where(articles.c.id == number).values(given))


def _words(texts):
    found = []
    for word in re.findall("(?:[^\\W_][\u0300-\u036f]*)+", unicodedata.normalize("NFC", " ".join(texts))):
        apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
        found.append("".join(letter for letter in apart if letter.isalnum())[:64])
    whole = " ".join(filter(None, found))
    return whole.encode()[:300_000].decode(errors="ignore")
