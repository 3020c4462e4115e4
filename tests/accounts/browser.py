"""A reader at a browser without JavaScript: fills in forms as the page gives them, and opens letters."""

import re
from collections.abc import Callable
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from paywall.mail import Letter

PASSWORD = "a tram in the snow"
Letters = Callable[[], list[Letter]]


def token_in(html: str) -> str:
    """The hidden token of the first form in a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
    assert found, html
    return unescape(found.group(1))


def send(client: FlaskClient, path: str, *, page: str | None = None, **fields: str) -> TestResponse:
    """POST a form to `path` with the token of `page` (by default of the same path)."""
    return client.post(path, data={"csrf_token": token_in(client.get(page or path).text), **fields})


def ask_for_letter(client: FlaskClient, email: str, next_path: str = "") -> TestResponse:
    """Press "E-mail me a code" on the sign-in page."""
    return send(client, "/sign-in/letter", page="/sign-in", email=email, next=next_path)


def press(client: FlaskClient, path: str) -> TestResponse:
    """Open a link and press the button there."""
    return send(client, path)


def link_in(letter: Letter) -> str:
    """The path of the first link of ours in a letter, which the HTML part has too."""
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", letter.text)
    assert found, letter.text
    assert f'href="{found.group(0)}"' in letter.html
    return found.group(1)


def code_in(letter: Letter) -> str:
    """The six digits in a letter, which both parts have."""
    found = re.search(r"\b(\d{3}) (\d{3})\b", letter.text)
    assert found, letter.text
    assert found.group(0) in letter.html
    return found.group(1) + found.group(2)


def sign_up(client: FlaskClient, letters: Letters, email: str, password: str = "") -> None:
    """Sign up with an address and enter the code of the letter."""
    send(client, "/sign-up", email=email, password=password)
    answer = send(client, "/sign-in/code", code=code_in(letters()[-1]))
    assert answer.status_code == 303, answer.text


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, next_path: str = "") -> TestResponse:
    """Fill in the sign-in form."""
    return send(client, "/sign-in", email=email, password=password, next=next_path)


def is_signed_in(client: FlaskClient) -> bool:
    """Whether a reader's page opens."""
    return client.get("/account/security").status_code == 200


def sign_out(client: FlaskClient) -> TestResponse:
    """Press the button."""
    return send(client, "/sign-out", page="/account/security")
