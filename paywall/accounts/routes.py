"""Who may enter a route, and whether they prove it anew: each view states it, one guard enforces it."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from paywall.accounts import factors, sessions
from paywall.accounts.models import StaffRole
from paywall.accounts.returning import page_of_form

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
READER = "reader"
LEVELS = frozenset({PUBLIC, READER, *StaffRole})


def may_enter(*levels: str, fresh: bool = False, factor: bool = True) -> Callable[[View], View]:
    """State who may enter a view: "public", "reader", or the names of staff roles.

    Staff are asked for their second factor, except with `factor=False` where they set it up and give it. With
    `fresh` the proof, for staff their factor, must be younger than a quarter of an hour, or it is asked for.
    """
    if not levels or not LEVELS.issuperset(levels):
        raise ValueError(f"unknown level in {levels}: choose from {sorted(LEVELS)}")

    def state(view: View) -> View:
        view.may_enter = frozenset(levels)  # type: ignore[attr-defined]  # the guard and its test read it
        view.is_fresh = fresh  # type: ignore[attr-defined]  # likewise
        view.needs_factor = factor and not {PUBLIC, READER} & set(levels)  # type: ignore[attr-defined]
        return view

    return state


def init_app(app: Flask) -> None:
    """Ask at the door of every view; a view that states nothing lets nobody in."""
    may_enter(PUBLIC)(app.view_functions["static"])
    app.before_request(_guard)


def stated(app: Flask, endpoint: str) -> frozenset[str]:
    """The levels that a view states; empty if it states none."""
    return getattr(app.view_functions.get(endpoint), "may_enter", frozenset())


def asks_anew(app: Flask, endpoint: str) -> bool:
    """Whether a view is for those who have just proven who they are."""
    return getattr(app.view_functions.get(endpoint), "is_fresh", False)


def needs_factor(app: Flask, endpoint: str) -> bool:
    """Whether a view is for staff who have given their second factor."""
    return getattr(app.view_functions.get(endpoint), "needs_factor", True)


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
    return _prove(request.endpoint)


def _prove(endpoint: str) -> Response | None:
    """Ask for what is missing of the proof that a view needs."""
    is_fresh = asks_anew(current_app, endpoint)
    if needs_factor(current_app, endpoint):
        factor = factors.of(current_user.id)
        is_proven = factor is not None and sessions.has_given(factors.mark(factor), fresh=is_fresh)
        return None if is_proven else _ask("factor.ask")
    return None if sessions.is_fresh() or not is_fresh else _ask("proving.once_more")


def _ask(page: str) -> Response:
    """To the page that asks, and from there back here; what a form said is not done, and that is told."""
    if _is_reading():
        return redirect(url_for(page, next=_here()))
    flash("Nothing is done yet. Prove that it is you, then send the form again.", "warning")
    return redirect(url_for(page, next=page_of_form()), 303)


def _is_reading() -> bool:
    return request.method in ("GET", "HEAD")


def _here() -> str:
    return request.full_path.rstrip("?") if _is_reading() else url_for("articles.front")
