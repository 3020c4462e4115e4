"""Who may keep an answer: each one says so, and what is said is settled here, last of all."""

from typing import TypeVar

from flask import Flask, request
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.wrappers import Response

Given = TypeVar("Given", bound=Response)

FOR_ALL = "paywall.for_all"
PRIVATE = "private, no-store"
# Browsers ask each time, so that a new version shows at once; caches on the way take the load off us.
STATIC = "public, max-age=0, s-maxage=300, must-revalidate"


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies. They are the last header to be written, so here all headers are known."""

    def save_session(self, app: Flask, session: SessionMixin, response: FlaskResponse) -> None:
        """Write the cookie, unless the answer is for everyone, and settle who may keep the answer."""
        is_for_all = FOR_ALL in request.environ
        if not is_for_all:
            super().save_session(app, session, response)
        settle(response, is_for_all=is_for_all, is_signed_in="_user_id" in session)


def init_app(app: Flask) -> None:
    """Keep sessions so, and let caches have the files of ours that never differ."""
    app.session_interface = Sessions()
    app.after_request(_static)


def for_all(response: Given, said: str) -> Given:
    """The same for everyone: it may be kept as `said`, no cookie goes with it, and none makes it differ."""
    response.headers["Cache-Control"] = said
    request.environ[FOR_ALL] = True
    return response


def unshared(response: Response) -> Response:
    """Kept by no cache on the way, and by no browser for whoever sits there next."""
    response.headers["Cache-Control"] = PRIVATE
    return response


def unreferred(response: Response) -> Response:
    """An address with a secret in it is told to no other site."""
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def settle(response: Response, *, is_for_all: bool, is_signed_in: bool) -> None:
    """Doubt means private: what says nothing, sets a cookie or was made for a reader is nobody else's."""
    said = response.cache_control
    if said.private or said.no_store:
        return
    is_personal = is_signed_in and not is_for_all
    if not said or is_personal or "Set-Cookie" in response.headers:
        unshared(response)
    elif not is_for_all:
        response.vary.add("Cookie")


def _static(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code < 400:
        return for_all(response, STATIC)
    return response
