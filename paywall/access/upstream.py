"""An upstream web site as a WSGI app: one address and no other, streamed both ways, without our cookies."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

import structlog
from urllib3 import HTTPResponse, Timeout, connection_from_url
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.util import SKIP_HEADER
from werkzeug.wsgi import ClosingIterator, get_input_stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONNECT_SECONDS = 5
CONNECTIONS = 16
CHUNK = 64 * 1024
# RFC 9110, 7.6.1; and upgrades, which we do not take part in.
HOP_BY_HOP = frozenset({
    "connection", "expect", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
# What only we say to the site, and what makes some sites take another path or address for the one asked for.
# "Proxy" is an environment variable to CGI programs (httpoxy).
NOT_FORWARDED = HOP_BY_HOP | {
    "content-length", "content-type", "cookie", "forwarded", "host", "proxy", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto", "x-forwarded-server",
    "x-original-url", "x-real-ip", "x-rewrite-url",
}  # fmt: skip
# Orders to a proxy such as ours or the one before us; Alt-Svc names another door to the site.
NOT_RETURNED = HOP_BY_HOP | {"alt-svc", "x-accel-redirect", "x-lighttpd-send-file", "x-sendfile"}
REFUSED = frozenset({"CONNECT", "TRACE"})
REPEATABLE = frozenset({"GET", "HEAD"})

log = structlog.get_logger()


class Upstream:
    """The site at `address` (scheme and host), which readers know by the address `public`.

    `host` is the name that the site is called by. `is_ours` tells our cookies by name: the site neither sees
    nor sets them. `error` shows a page for a status: 502 without an answer, 504 without one in time.
    """

    def __init__(
        self,
        address: str,
        *,
        public: str,
        host: str,
        seconds: float,
        is_ours: Callable[[str], bool],
        error: "Callable[[WSGIEnvironment, int], WSGIApplication]",
    ) -> None:
        self._public, self._host, self._is_ours, self._error = urlsplit(public), host, is_ours, error
        self._origins = {urlsplit(address).netloc.lower(), host.lower()}
        self._pool = connection_from_url(
            address, maxsize=CONNECTIONS, timeout=Timeout(connect=CONNECT_SECONDS, read=seconds)
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in REFUSED:
            return self._error(environ, 405)(environ, start_response)
        if "websocket" in environ.get("HTTP_UPGRADE", "").lower():
            return self._error(environ, 501)(environ, start_response)
        try:
            response = self._fetch(environ)
        except HTTPError as failure:
            is_late = isinstance(failure, (ConnectTimeoutError, ReadTimeoutError))
            is_late &= not isinstance(failure, NewConnectionError)
            log.warning("site_failed", error=str(failure))
            return self._error(environ, 504 if is_late else 502)(environ, start_response)
        start_response(f"{response.status} {response.reason or ''}", self._returned(response))
        return ClosingIterator(_body(response), partial(_let_go, response))

    def _fetch(self, environ: "WSGIEnvironment") -> HTTPResponse:
        try:
            return self._send(environ)
        except ProtocolError:
            # Most often a connection that the site had closed just when we took it up again.
            if environ["REQUEST_METHOD"] not in REPEATABLE or _has_body(environ):
                raise
        return self._send(environ)

    def _send(self, environ: "WSGIEnvironment") -> HTTPResponse:
        has_body = _has_body(environ)
        response = self._pool.urlopen(
            environ["REQUEST_METHOD"],
            _target(environ),
            body=get_input_stream(environ) if has_body else None,
            headers=self._forwarded(environ),
            chunked=has_body and not environ.get("CONTENT_LENGTH"),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        assert isinstance(response, HTTPResponse), "what this pool makes"
        return response

    def _forwarded(self, environ: "WSGIEnvironment") -> dict[str, str]:
        named = _words(environ.get("HTTP_CONNECTION", ""))
        headers = {"user-agent": SKIP_HEADER, "accept-encoding": SKIP_HEADER}
        headers |= {name: value for name, value in _given(environ) if name not in NOT_FORWARDED | named}
        headers |= {
            "host": self._host,
            "x-forwarded-for": environ.get("REMOTE_ADDR", ""),
            "x-forwarded-host": self._public.netloc,
            "x-forwarded-proto": self._public.scheme,
            "cookie": self._cookies(environ.get("HTTP_COOKIE", "")),
            "content-type": environ.get("CONTENT_TYPE", ""),
            "content-length": environ.get("CONTENT_LENGTH", "") if _has_body(environ) else "",
        }
        return {name: value for name, value in headers.items() if value}

    def _cookies(self, given: str) -> str:
        pairs = (pair.strip() for pair in given.split(";"))
        return "; ".join(pair for pair in pairs if not self._is_ours(pair.partition("=")[0].strip()))

    def _returned(self, response: HTTPResponse) -> list[tuple[str, str]]:
        named = _words(response.headers.get("Connection", ""))
        headers = []
        for name, value in response.headers.iteritems():
            match name.lower():
                case low if low in NOT_RETURNED | named:
                    continue
                case "location" | "content-location":
                    headers.append((name, self._ours(value)))
                case "set-cookie" if self._is_ours(value.partition("=")[0].strip()):
                    continue
                case "set-cookie":
                    headers.append((name, self._for_our_host(value)))
                case _:
                    headers.append((name, value))
        return headers

    def _ours(self, address: str) -> str:
        """An address of the site as readers know it."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return address
        if parts.netloc.lower() not in self._origins:
            return address
        return urlunsplit(parts._replace(scheme=self._public.scheme, netloc=self._public.netloc))

    def _for_our_host(self, cookie: str) -> str:
        """A cookie of the site's own host, which a browser that knows ours only would refuse."""
        first, *others = cookie.split(";")
        hosts = {origin.rpartition(":")[0] or origin for origin in self._origins}
        kept = [one for one in others if one.strip().lower().removeprefix("domain=").lstrip(".") not in hosts]
        return ";".join([first, *kept])


def _target(environ: Mapping[str, Any]) -> str:
    # Never a scheme or a host: whatever was asked for, it is a path of the one site.
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
    query = quote(environ.get("QUERY_STRING", ""), safe="/:@!$&'()*+,;=~?%[]|^{}\"<>`")
    return f"/{path.removeprefix('/')}" + (f"?{query}" if query else "")


def _given(environ: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key.removeprefix("HTTP_").replace("_", "-").lower(), value


def _has_body(environ: Mapping[str, Any]) -> bool:
    length = environ.get("CONTENT_LENGTH") or "0"
    return length != "0" or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _words(header: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in header.split(","))


def _body(response: HTTPResponse) -> Iterator[bytes]:
    """Each piece as it comes."""
    while chunk := response.read1(CHUNK, decode_content=False):
        yield chunk
    response.release_conn()


def _let_go(response: HTTPResponse) -> None:
    # A connection that was not read to its end is not used again.
    response.close()
    response.release_conn()
