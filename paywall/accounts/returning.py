"""Where a reader goes back to after a form: a path of ours, or nowhere."""

from urllib.parse import unquote, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException

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


def page_of_form() -> str | None:
    """Where the form stood that was sent: the page that the browser names, or this address itself."""
    before = urlsplit(request.referrer or "")
    query = f"?{before.query}" if before.query else ""
    if before.netloc == request.host and _can_be_opened(before.path):
        return safe_next(before.path + query)
    return safe_next(request.path) if _can_be_opened(request.path) else None


def _can_be_opened(path: str) -> bool:
    pages = current_app.create_url_adapter(request)
    assert pages
    try:
        pages.match(path, method="GET")
    except HTTPException:
        return False
    return True


def _may_leave(path: str) -> bool:
    strange = any(letter < " " or letter in "\\\x7f" for letter in path)
    return strange or "//" in path.partition("?")[0].partition("#")[0]
