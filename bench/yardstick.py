"""What the same server and Flask cost when nothing is done: an empty view, and pages as constants."""

import json
import os
from pathlib import Path

from flask import Flask, Response, request

# Names the file with the pages: {path: [headers, body]}.
PAGES = "BENCH_PAGES"

Page = tuple[list[tuple[str, str]], str]
Pages = dict[str, Page]

app = Flask(__name__)
_pages: Pages = json.loads(Path(os.environ[PAGES]).read_text()) if PAGES in os.environ else {}
_constants = {path: (headers, body.encode()) for path, (headers, body) in _pages.items()}


@app.post("/webhooks/stripe")
def empty() -> tuple[str, int]:
    """Read the body, as any endpoint must, and forget it."""
    request.get_data()
    return "", 200


@app.get("/article/<slug>")
def article(slug: str) -> Response:
    """The bytes that the real page has, with the same headers."""
    headers, body = _constants[f"/article/{slug}"]
    return Response(body, headers=headers)
