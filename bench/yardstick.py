"""What a POST costs when nothing is done with it: the same server, Flask, and an empty view."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/webhooks/stripe")
def empty() -> tuple[str, int]:
    """Read the body, as any endpoint must, and forget it."""
    request.get_data()
    return "", 200
