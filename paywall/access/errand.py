"""One request for the site behind our door: what is asked for, and how we ask the site for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from werkzeug.http import parse_accept_header

from paywall.access.patterns import Asked

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONDITIONS = (
    "HTTP_RANGE",
    "HTTP_IF_RANGE",
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
)
# Servers disagree on which page such a path names, so none of it goes on.
ODD = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.\.?(?:/|$)")
FILE = re.compile(
    r"\.(?:avif|css|eot|gif|ico|jpe?g|js|m4[av]|mjs|mov|mp[34]|og[agv]|opus|otf|pdf|png|svg|ttf|wav|webm|webp"
    r"|woff2?|zip)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a reader's browser asked for; `path` is decoded, `query` as it came."""

    environ: "WSGIEnvironment"
    path: str
    query: str
    asked: Asked

    @classmethod
    def of(cls, environ: "WSGIEnvironment") -> Self:
        """From a WSGI request."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "")
        return cls(environ, path, query, Asked.of(path, query))

    @property
    def is_plain(self) -> bool:
        """Whether the path names one page, for whoever reads it."""
        return self.path.startswith("/") and not ODD.search(self.path)

    @property
    def is_file(self) -> bool:
        """Whether the path looks like a picture, a film, or another thing that is fetched in parts."""
        return FILE.search(self.path) is not None

    @property
    def is_head(self) -> bool:
        """Whether only the headers are asked for."""
        return bool(self.environ["REQUEST_METHOD"] == "HEAD")

    @property
    def has_cookies(self) -> bool:
        """Whether the site may know who asks."""
        return bool(self.environ.get("HTTP_COOKIE"))

    @property
    def wants_page(self) -> bool:
        """Whether a person reads the answer in a browser."""
        return "text/html" in parse_accept_header(self.environ.get("HTTP_ACCEPT")).values()

    @property
    def here(self) -> str:
        """The address of the page on this site, to come back to."""
        return quote(self.path) + (f"?{self.query}" if self.query else "")

    def key(self, canonical: Asked | None = None) -> str:
        """The name of the page for the meter and for gift links: its canonical path, else what was asked."""
        return canonical.path if canonical else self.asked.path + (f"?{self.query}" if self.query else "")

    def for_site(self, *, as_given: bool) -> dict[str, Any]:
        """The request for the site: the whole page, in a form that we can read; or else `as_given`."""
        environ = dict(self.environ)
        if as_given:
            return environ
        for condition in CONDITIONS:
            environ.pop(condition, None)
        if self.is_head:
            environ["REQUEST_METHOD"] = "GET"
        environ["HTTP_ACCEPT_ENCODING"] = "gzip" if _takes_gzip(self.environ) else "identity"
        return environ


def _takes_gzip(environ: Mapping[str, Any]) -> bool:
    return parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))["gzip"] > 0
