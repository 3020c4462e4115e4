"""A site that knows nothing of us, on a real server of this machine, with what WordPress and Hugo make."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from urllib.parse import parse_qsl

PAGES = Path(__file__).parent / "site"
SECRETS = (
    "Under the third stair lies a pearl that nobody in the house has counted yet",
    "It is worth more than the tram",
)
FREE = "<!doctype html><title>Free</title><p>Everybody knows the house.</p>"
RSS = f"<rss><channel><item><description>{SECRETS[0]}</description></item></channel></rss>"
FILE = b"0123456789"


class Site(ThreadingHTTPServer):
    """`seen` holds method and path of each request; `go_on` lets a slow page end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.go_on = Event()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running() -> Iterator[Site]:
    """A site at a free port, closed at the end."""
    with Site() as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.go_on.set()
            site.shutdown()
            thread.join()


def is_secret(text: str | bytes) -> bool:
    """Whether any of the gated sentences is in it, in whatever case and however it is spaced."""
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    flat = " ".join(told.replace("\\u0020", " ").split()).casefold()
    return any(secret.casefold() in flat for secret in SECRETS)


class _Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        self.server.bodies.append(body)
        path, _mark, query = self.path.partition("?")
        getattr(self, f"_{_word(path)}", self.page)(path, dict(parse_qsl(query, keep_blank_values=True)))

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # as the class calls them

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def page(self, path: str, query: dict[str, str]) -> None:
        name = PAGES / f"{path.strip('/').rpartition('/')[2]}.html"
        if {"amp", "feed", "rest_route"} & query.keys() or path.endswith(("/feed/", "/amp/", ".json")):
            return self._answer(RSS.encode(), "application/rss+xml")
        if not name.is_file():
            return self._answer(b"<title>None</title>", "text/html", status=404)
        return self.article(name.read_bytes(), query)

    def article(self, body: bytes, query: dict[str, str]) -> None:
        kind, more = "text/html; charset=utf-8", {}
        if "If-None-Match" in self.headers:
            return self._answer(b"", kind, status=304)
        if "Range" in self.headers:
            return self._answer(body[-300:], kind, status=206)
        if "gz" in query and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, more = gzip.compress(body), {"Content-Encoding": "gzip"}
        elif "br" in query:
            more = {"Content-Encoding": "br"}
        elif "utf16" in query:
            body, kind = body.decode().encode("utf-16"), "text/html; charset=utf-16"
        elif "huge" in query:
            body += b" " * 2**20
        elif "cookie" in query:
            more = {"Set-Cookie": "cart=1; Path=/"}
        tags = {"ETag": '"whole"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Accept-Ranges": "bytes"}
        return self._answer(body, kind, tags | more, chunked="chunked" in query)

    def _free(self, path: str, query: dict[str, str]) -> None:
        self._answer(FREE.encode(), "text/html", {"ETag": '"free"', "Cache-Control": "max-age=60"})

    def _wp_json(self, path: str, query: dict[str, str]) -> None:
        self._answer(json.dumps({"content": {"rendered": SECRETS[0]}}).encode(), "application/json")

    def _ajax(self, path: str, query: dict[str, str]) -> None:
        self._wp_json(path, query)

    def _report_pdf(self, path: str, query: dict[str, str]) -> None:
        self._answer(SECRETS[0].encode(), "application/pdf")

    def _film_mp4(self, path: str, query: dict[str, str]) -> None:
        if self.headers.get("Range") == "bytes=2-4":
            return self._answer(FILE[2:5], "video/mp4", {"Content-Range": "bytes 2-4/10"}, status=206)
        return self._answer(FILE, "video/mp4")

    def _echo(self, path: str, query: dict[str, str]) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {k.lower(): v for k, v in self.headers.items()},
        }
        told["body"] = self.server.bodies[-1].decode()
        self._answer(json.dumps(told).encode(), "text/plain")

    def _moved(self, path: str, query: dict[str, str]) -> None:
        self._answer(b"<p>moved</p>", "text/html", {"Location": query["to"]}, status=301)

    def _cookies(self, path: str, query: dict[str, str]) -> None:
        self.send_response(200)
        for cookie in ("a=1; Domain=127.0.0.1; Path=/", "b=2; HttpOnly", "paywall=stolen; Path=/"):
            self.send_header("Set-Cookie", cookie)
        for name in ("Connection", "X-Accel-Redirect", "Alt-Svc"):
            self.send_header(name, "x-inner" if name == "Connection" else "/inside")
        self.send_header("X-Inner", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _slow(self, path: str, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", query.get("kind", "text/plain"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        gate = b'<meta name="paywall:gate" content="patrons">' if "gated" in query else b""
        self._send_chunk(b"<title>first</title>" + gate + b"<body>")
        self.server.go_on.wait(10)
        self._send_chunk(b"last")
        self._send_chunk(b"")

    def _cut_off(self, path: str, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(f"<p>{SECRETS[0]}".encode())
        self.close_connection = True

    def _hangs_up(self, path: str, query: dict[str, str]) -> None:
        self.close_connection = True

    def _silent(self, path: str, query: dict[str, str]) -> None:
        self.server.go_on.wait(10)
        self.close_connection = True

    def _answer(
        self,
        body: bytes,
        kind: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        status: int = 200,
        chunked: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header(
            "Transfer-Encoding" if chunked else "Content-Length", "chunked" if chunked else str(len(body))
        )
        self.end_headers()
        if self.command == "HEAD" or status == 304:
            return
        if not chunked:
            self.wfile.write(body)
            return
        for start in range(0, len(body), 100):
            self._send_chunk(body[start : start + 100])
        self._send_chunk(b"")

    def _send_chunk(self, chunk: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    def _chunks(self) -> bytes:
        found = b""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return found


def _word(path: str) -> str:
    return path.strip("/").partition("/")[0].replace("-", "_").replace(".", "_") or "home"
