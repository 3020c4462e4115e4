"""The stand-in's events over real HTTP: what is sent, what is answered, and nobody there."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from paywall.sandbox import delivery
from tests.live import free_port

heard: list[tuple[str, str | None, bytes]] = []


class Endpoint(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_POST(self) -> None:
        """Note what came, and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        heard.append((self.path, self.headers["Stripe-Signature"], body))
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of a small server."""
    heard.clear()
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 302, 400, 500])
def test_the_answer_counts_and_no_redirect_is_followed(endpoint: str, status: int) -> None:
    assert delivery.post(f"{endpoint}/{status}", b'{"id": "evt_1"}', {"Stripe-Signature": "t=1"}) == status
    assert heard == [(f"/{status}", "t=1", b'{"id": "evt_1"}')]


def test_nobody_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="refused"):
        delivery.post(f"http://127.0.0.1:{free_port()}/200", b"{}", {})
