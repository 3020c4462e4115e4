"""A reader at a browser without JavaScript: fills in forms as the page gives them, and opens letters."""

import re
from collections.abc import Callable
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from paywall.mail import Letter

Letters = Callable[[], list[Letter]]


def token(client: FlaskClient, page: str = "/sign-in") -> str:
    """The hidden token of a form on `page`."""
    return token_in(client.get(page).text)


def token_in(html: str) -> str:
    """The hidden token of the first form in a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
    assert found, html
    return unescape(found.group(1))


def send(client: FlaskClient, path: str, *, page: str | None = None, **fields: str) -> TestResponse:
    """POST a form to `path` with the token of `page` (by default of the same path)."""
    return client.post(path, data={"csrf_token": token(client, page or path), **fields})


def link_in(letter: Letter) -> str:
    """The path of the first link of ours in a letter that carries one."""
    found = re.search(r"https?://[^/\s]+(/\S+)", letter.text)
    assert found, letter.text
    return found.group(1)


def code_in(letter: Letter) -> str:
    """The six digits in a letter."""
    found = re.search(r"\b(\d{3}) (\d{3})\b", letter.text)
    assert found, letter.text
    return found.group(1) + found.group(2)


def sign_up(
    client: FlaskClient, letters: Letters, email: str, password: str = "", next_path: str = ""
) -> Letter:
    """Sign up with an address and enter the code of the letter, which is returned."""
    answer = send(client, "/sign-up", email=email, password=password, next=next_path)
    assert answer.location == "/sign-in/code", answer.text
    letter = letters()[-1]
    answer = send(client, "/sign-in/code", code=code_in(letter))
    assert answer.status_code == 303, answer.text
    return letter


def is_signed_in(client: FlaskClient) -> bool:
    """Whether a reader's page opens."""
    return client.get("/account/security").status_code == 200


def sign_out(client: FlaskClient) -> None:
    """Press the button."""
    assert send(client, "/sign-out", page="/account/security").status_code == 302
