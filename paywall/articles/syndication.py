"""How a feed is written: its entries, and HTML and XML that stand by themselves, far from our pages."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from paywall.articles.cards import Card

# What XML 1.0 cannot hold, not even escaped.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One article in a feed. `html` is for the one reader whose feed it is, None in a feed for everyone."""

    card: Card
    html: str | None = None

    @property
    def changed_at(self) -> datetime:
        """When it last changed; never before it came out."""
        return self.card.changed_at

    @property
    def summary(self) -> str:
        """What anyone may read of it, as plain text."""
        return " — ".join(filter(None, (self.card.standfirst, self.card.teaser_text)))


def absolute(html: str, page: str) -> str:
    """Sanitised HTML whose links and pictures have whole addresses; `page` is where it stands on the site."""
    body = LexborHTMLParser(f"<!doctype html><html><body>{html}</body></html>").body
    assert body is not None, "the parser makes a body for any input"
    for name in ("href", "src"):
        for node in body.css(f"[{name}]"):
            node.attrs[name] = _joined(page, node.attributes[name] or "")
    for picture in body.css("img[srcset]"):
        # Its addresses would have to be whole too; one is enough for a feed.
        del picture.attrs["srcset"]
        del picture.attrs["sizes"]
    return body.inner_html or ""


def xml(text: str) -> str:
    """A rendered feed without the characters that XML cannot hold."""
    return NOT_XML.sub("", text)


def _joined(page: str, address: str) -> str:
    try:
        return urljoin(page, address)
    except ValueError:
        # Like http://[ — a slip of the author's that no reader can follow anyway.
        return page
