"""Where a reader goes back to after a form: a path of ours, or nowhere."""

from urllib.parse import unquote

from flask import url_for

LONGEST = 1000


def safe_next(value: str | None) -> str | None:
    """`value` if it is a path on this site, else None: another site, or anything that a browser or a proxy
    could read as one (//, backslashes, control characters, also percent-encoded), is refused."""
    if not value or len(value) > LONGEST or not value.startswith("/"):
        return None
    once = unquote(value)
    return None if any(map(_may_leave, (value, once, unquote(once)))) else value


def destination(value: str | None) -> str:
    """The safe path to go back to; the front page without one."""
    return safe_next(value) or url_for("articles.front")


def _may_leave(path: str) -> bool:
    strange = any(letter < " " or letter in "\\\x7f" for letter in path)
    return strange or "//" in path.partition("?")[0].partition("#")[0]
