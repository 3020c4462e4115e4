"""After a form a reader goes back to a path of ours, and nowhere else."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.security import safe_next
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    link_in,
    press,
    sign_in,
    sign_out,
    sign_up,
    token_in,
)

OURS = [
    "/",
    "/articles/frost",
    "/articles/frost?from=front&page=2#notes",
    "/search?q=a%20b",
    "/articles/%D0%BC%D1%80%D0%B0%D0%B7",
    "/go?to=https://example.com/",
    "/join?next=/articles/frost",
]
FOREIGN = [
    "https://evil.example/",
    "http:/evil.example",
    "https:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%255cevil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%252fevil.example",
    "/.//evil.example",
    "/articles//evil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "/\n/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "\t//evil.example",
    " //evil.example",
    " /articles/frost",
    "\u200a//evil.example",
    "\x19//evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "evil.example",
    "articles/frost",
    "@evil.example",
    ".evil.example",
    "?next=/",
    "#top",
    "",
    "/" + "a" * 1000,
]


@pytest.mark.parametrize("path", OURS)
def test_our_paths_are_kept_as_they_are(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize("path", FOREIGN)
def test_whatever_may_lead_away_is_refused(path: str) -> None:
    assert safe_next(path) is None


def test_nothing_is_nowhere() -> None:
    assert safe_next(None) is None


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_form_leads_away(app: Flask, client: FlaskClient, letters: Letters, path: str) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    for page in ("/sign-up", "/sign-in"):
        assert client.get(page, query_string={"next": path}).location == "/"
    sign_out(client)
    for page in ("/sign-up", "/sign-in"):
        assert "evil" not in client.get(page, query_string={"next": path}).text
        assert "alert" not in client.get(page, query_string={"next": path}).text
    assert sign_in(client, "ana@example.org", next_path=path).location == "/"
    sign_out(client)
    ask_for_letter(client, "ana@example.org", path)
    assert press(client, link_in(letters()[-1])).location == "/"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_next_in_the_address_of_the_form_is_heeded_too(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    sign_out(client)
    fields = {
        "csrf_token": token_in(client.get("/sign-in").text),
        "email": "ana@example.org",
        "password": PASSWORD,
    }
    assert client.post("/sign-in?next=/articles/frost", data=fields).location == "/articles/frost"
