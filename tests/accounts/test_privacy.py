"""Who may keep an answer: what is settled about each, whatever its view said."""

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from paywall.accounts import privacy
from paywall.accounts.routes import may_enter

PRIVATE = "private, no-store"
FEED = "public, max-age=300"
PAGE = "public, no-cache"


@pytest.mark.parametrize(
    ("said", "cookie", "for_all", "signed_in", "settled", "vary"),
    [
        ("", False, False, False, PRIVATE, ""),
        ("", False, True, False, PRIVATE, ""),
        (PAGE, False, False, False, PAGE, "Cookie"),
        (PAGE, True, False, False, PRIVATE, ""),
        (PAGE, False, False, True, PRIVATE, ""),
        ("max-age=60", False, False, True, PRIVATE, ""),
        ("no-cache", False, False, False, "no-cache", "Cookie"),
        (FEED, False, True, False, FEED, ""),
        (FEED, False, True, True, FEED, ""),
        (FEED, True, True, False, PRIVATE, ""),
        ("private, no-cache", True, False, True, "private, no-cache", ""),
        ("no-store", False, False, True, "no-store", ""),
        ("public, no-store", False, False, False, "public, no-store", ""),
    ],
)
def test_doubt_means_private(
    said: str, *, cookie: bool, for_all: bool, signed_in: bool, settled: str, vary: str
) -> None:
    response = Response()
    if said:
        response.headers["Cache-Control"] = said
    if cookie:
        response.set_cookie("paywall", "x")
    privacy.settle(response, is_for_all=for_all, is_signed_in=signed_in)
    assert (response.headers["Cache-Control"], response.headers.get("Vary", "")) == (settled, vary)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_session_does_not_go_out_with_what_is_for_all(app: Flask) -> None:
    @app.get("/for-all")
    @may_enter("public")
    def shown() -> Response:
        from flask import Response as Ours
        from flask import session

        session["seen"] = 1
        return privacy.for_all(Ours("The same."), FEED)

    answer = app.test_client().get("/for-all")
    assert (answer.headers["Cache-Control"], answer.headers.get("Vary")) == (FEED, None)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_files_of_ours_are_kept_on_the_way_and_asked_for_by_browsers(app: Flask) -> None:
    client = app.test_client()
    with client.get("/static/paper.css") as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=300, must-revalidate"
    with client.get("/static/paper.css", headers={"If-None-Match": answer.headers["ETag"]}) as again:
        assert (again.status_code, again.headers["Cache-Control"]) == (304, privacy.STATIC)
    assert client.get("/static/none.css").headers["Cache-Control"] == PRIVATE
