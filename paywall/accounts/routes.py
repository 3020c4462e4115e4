"""Which levels may enter a route: each view states it, one guard enforces it."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from paywall.accounts.models import StaffRole

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
READER = "reader"
LEVELS = frozenset({PUBLIC, READER, *StaffRole})


def may_enter(*levels: str) -> Callable[[View], View]:
    """State who may enter a view: "public", "reader", or the names of staff roles."""
    if not levels or not LEVELS.issuperset(levels):
        raise ValueError(f"unknown level in {levels}: choose from {sorted(LEVELS)}")

    def state(view: View) -> View:
        view.may_enter = frozenset(levels)  # type: ignore[attr-defined]  # the guard and its test read it
        return view

    return state


def init_app(app: Flask) -> None:
    """Ask at the door of every view; a view that states nothing lets nobody in."""
    may_enter(PUBLIC)(app.view_functions["static"])
    app.before_request(_guard)


def stated(app: Flask, endpoint: str) -> frozenset[str]:
    """The levels that a view states; empty if it states none."""
    return getattr(app.view_functions.get(endpoint), "may_enter", frozenset())


def _guard() -> Response | None:
    if request.endpoint is None:
        return None
    levels = stated(current_app, request.endpoint)
    if PUBLIC in levels:
        return None
    if not current_user.is_authenticated:
        return redirect(url_for("security.login", next=_here()))
    if READER not in levels and not levels & current_user.staff_roles:
        abort(403)
    return None


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("articles.front")
