"""The staff's menu: the pages of the house in groups, and which of them whoever is signed in may enter."""

from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_login import current_user

from paywall.accounts import routes

# By group: the endpoint of a page (its route needs no values), and what it is called.
PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Reports": (
        ("reports.overview", "Overview"),
        ("reports.patrons", "Patrons"),
        ("reports.movement", "Revenue movement"),
        ("reports.churn", "Churn"),
        ("reports.cohorts", "Who stays"),
        ("reports.trials", "Trials"),
        ("reports.leaving", "Why they leave"),
        ("reports.plans", "By plan"),
        ("reports.sources", "By source"),
        ("reports.path", "From teaser to payment"),
        ("reports.articles", "What articles bring"),
        ("reports.policy", "When access ends"),
    ),
    "Money": (
        ("money.tie_out", "Tie-out"),
        ("reports.failures", "Failed payments"),
        ("reports.countries", "Countries"),
        ("reports.gifts", "Gifts"),
        ("reports.groups", "Groups"),
        ("reports.institutions", "Institutions"),
    ),
    "Readers": (
        ("desk.box", "Find a reader"),
        ("office.trace", "Why can they read?"),
    ),
    "Paper": (
        ("newsroom.index", "Articles"),
        ("gatehouse.index", "Gates and unlocks"),
        ("office.simulate", "Who would read it?"),
    ),
    "House": (
        ("plans.show", "Plans"),
        ("inboxes.show", "Inbox"),
        ("wellbeing.show", "Health"),
        ("people.everyone", "Staff"),
        ("trails.show", "Trail"),
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the menu; `is_here` if the page that is shown lies at or below it."""

    label: str
    url: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """The groups, each leading to its first page, and the pages of the group that is shown."""

    groups: tuple[Entry, ...]
    pages: tuple[Entry, ...]


def menu() -> Menu:
    """The menu for whoever is signed in, as their routes let them in; empty for all others."""
    known = {group: open_to for group, pages in PAGES.items() if (open_to := _open(pages))}
    here = max((url for pages in known.values() for _, url in pages if _is_below(url)), key=len, default="")
    groups: list[Entry] = []
    shown: tuple[Entry, ...] = ()
    for group, pages in known.items():
        is_here = any(url == here for _, url in pages)
        groups.append(Entry(group, pages[0][1], is_here))
        if is_here:
            shown = tuple(Entry(label, url, url == here) for label, url in pages)
    return Menu(tuple(groups), shown)


def _open(pages: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Label and address of those that may be entered."""
    roles = current_user.staff_roles if current_user.is_authenticated else frozenset()
    return [
        (label, url_for(endpoint))
        for endpoint, label in pages
        if roles & routes.stated(current_app, endpoint)
    ]


def _is_below(url: str) -> bool:
    return request.path == url or request.path.startswith(f"{url}/")
