"""What readers are called: one writer, and the words by which a name is looked for."""

import re
import unicodedata

from sqlalchemy import delete

from paywall.accounts.models import NameWord, Reader
from paywall.db import db

LONGEST = 100


def give(reader: Reader, name: str | None) -> None:
    """Call a reader so from now on; None takes the name away. The caller commits."""
    reader.name = (name or "").strip()[:LONGEST] or None
    db.session.execute(delete(NameWord).where(NameWord.reader_id == reader.id))
    db.session.add_all(NameWord(reader_id=reader.id, word=word) for word in sorted(words(reader.name or "")))
    db.session.flush()


def learn(reader: Reader, name: str | None) -> None:
    """Call a reader so who has no name yet: as it stands on their card, say. The caller commits."""
    if reader.name is None and name:
        give(reader, name)


def words(text: str) -> frozenset[str]:
    """The words of a text as names are kept and looked for: small letters without accents."""
    parted = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in parted if not unicodedata.combining(letter))
    return frozenset(re.findall(r"\w+", plain))
