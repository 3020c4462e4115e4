"""A page as a reader sees it: drawn for them by the page's own view, then made to act no more."""

import re
from typing import Any

from flask import current_app, g, request, url_for
from selectolax.lexbor import LexborHTMLParser, LexborNode

from paywall.access.arrivals import Arrival
from paywall.access.middleware import ARRIVAL
from paywall.accounts import readers
from paywall.articles.gates import ARTICLE_PATH
from paywall.config import Settings
from paywall.office.why import Explained

# The browser lets nothing be sent or run from such a page, whatever stands on it. It keeps its origin, or
# it could not load our own fonts.
POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'none'; form-action 'none'; frame-ancestors 'none';"
    " base-uri 'none'; object-src 'none'; sandbox allow-same-origin"
)
ACCOUNT = "/account"
# What its owner alone may know: whoever has the address of a feed reads as they do.
SECRETS = "#feed-address"


def account(reader_id: int) -> str:
    """The reader's account page. Call it in no transaction."""
    return _drawn(reader_id, ACCOUNT, "billing.account", {})


def article(reader_id: int, found: Explained) -> str:
    """An article as the door shows it to the reader; no free read is counted. Call it in no transaction."""
    slug, gate = found.article.slug, found.article.gate.at(found.now)
    arrival = Arrival(found.decision, gate, signed_in=True)
    return _drawn(reader_id, f"{ARTICLE_PATH}{slug}", "articles.article", {"slug": slug}, arrival)


def inert(html: str, reader_id: int, banner: str) -> str:
    """The page under a banner, with nothing on it that acts, and links only to what can be seen so too."""
    page = LexborHTMLParser(html)
    for node in page.css("script, input[type=hidden]"):
        node.decompose()
    for node in page.css(SECRETS):
        node.attrs["value"] = "hidden here: it is a key"
    for node in page.css("form, input, button, select, textarea"):
        _disarm(node)
    for link in page.css("a[href]"):
        _lead(link, reader_id)
    # A list that is wider than a phone was scrolled by the keys through its links, which are none now.
    for row in page.css("nav ul"):
        row.attrs["tabindex"] = "0"
    return re.sub(r"<body[^>]*>", lambda body: body.group() + banner, page.html or "", count=1)


def _drawn(
    reader_id: int, path: str, endpoint: str, values: dict[str, str], arrival: Arrival | None = None
) -> str:
    """What the view answers, in a request and a context of its own: nobody is signed in by it."""
    settings: Settings = current_app.extensions["settings"]
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    with app.app_context(), app.test_request_context(path, base_url=settings.site_url):
        g._login_user = readers.by_id(reader_id)
        if arrival is not None:
            request.environ[ARRIVAL] = arrival
        answer = app.make_response(app.view_functions[endpoint](**values))
        return str(answer.get_data(as_text=True))


def _disarm(node: LexborNode) -> None:
    if node.tag == "form":
        for name in ("action", "method"):
            if name in node.attributes:
                del node.attrs[name]
    else:
        node.attrs["disabled"] = ""


def _lead(link: LexborNode, reader_id: int) -> None:
    path = link.attributes.get("href") or ""
    if path == ACCOUNT:
        link.attrs["href"] = url_for("desk.as_account", reader_id=reader_id)
    elif path.startswith(ARTICLE_PATH):
        slug = path.removeprefix(ARTICLE_PATH).partition("?")[0]
        link.attrs["href"] = url_for("desk.as_article", reader_id=reader_id, article=slug)
    elif not path.startswith("#"):
        del link.attrs["href"]
