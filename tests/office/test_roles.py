"""Who may enter which page of the staff: docs/roles.md says it, and each cell is tried, also by POST."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from paywall.accounts import readers, routes
from paywall.accounts.models import StaffRole
from paywall.billing.inbox import store
from paywall.billing.remote import Event
from paywall.config import ROOT
from paywall.db import db
from tests.accounts.browser import Letters, sign_up, token_in
from tests.articles.files import publish
from tests.billing.apart import Apart
from tests.shop import Shop
from tests.staffing import Staff, grow_stale

TABLE = ROOT / "docs" / "roles.md"
ROLES = tuple(StaffRole)
READER, VISITOR = "reader", "visitor"
OPENED, SHUT, ANEW = "yes", "-", "anew"
# Each kind of value in an address: of something that is there, and of nothing.
IDS = ("1", "999999")
WORDS = ("supporter", "nothing-of-the-kind")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

pytestmark = [pytest.mark.story, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


@dataclass(frozen=True)
class Route:
    """A route of the staff as it is: its address, one method, and what each role meets there."""

    rule: Rule
    method: str
    cells: tuple[str, ...]

    @property
    def row(self) -> str:
        """Its line in the table."""
        return f"| `{self.method} {self.address}` | {' | '.join(self.cells)} |"

    @property
    def address(self) -> str:
        """As in the table: what a report has below it, its rows and files, is one with it."""
        plain = re.sub(r"<[^<>]*:(\w+)>", r"<\1>", self.rule.rule)
        return re.sub(r"^(/staff/reports/\w+)(/.*)?$", r"\1 ...", plain)

    def is_open_to(self, who: str) -> bool:
        """Whether this role may enter."""
        return who in ROLES and self.cells[ROLES.index(StaffRole(who))] != SHUT

    def paths(self) -> Iterator[str]:
        """Its address with values that are there, and with values that are not."""
        for number, word in zip(IDS, WORDS, strict=True):
            yield re.sub(r"<\w+>", word, re.sub(r"<int[^<>]*>", number, self.rule.rule))


def staff_routes(app: Flask) -> Iterator[Route]:
    """Each route that is for staff alone, by each of its methods."""
    for rule in app.url_map.iter_rules():
        levels = routes.stated(app, rule.endpoint)
        if levels and levels <= set(ROLES):
            opened = ANEW if routes.asks_anew(app, rule.endpoint) else OPENED
            cells = tuple(opened if role in levels else SHUT for role in ROLES)
            yield from (Route(rule, method, cells) for method in METHODS if method in (rule.methods or ()))


def documented() -> list[str]:
    return [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]


@pytest.fixture
def browsers(shop: Shop, staff: Staff, letters: Letters) -> dict[str, FlaskClient]:
    """Everyone at a browser, in a newsroom with a plan, an article and an event."""
    publish("supporter")
    store(Event(id="evt_1", type="customer.updated", customer=None, livemode=False), "{}")
    db.session.commit()
    known = {role.value: staff(role) for role in ROLES}
    known[VISITOR], known[READER] = Apart(shop.app), Apart(shop.app)
    sign_up(known[READER], letters, "boris@example.org")
    return known


def ask(browser: FlaskClient, route: Route, path: str, token: str) -> TestResponse:
    given = {} if route.method == "GET" else {"csrf_token": token}
    return browser.open(path, method=route.method, data=given, headers={"X-CSRFToken": token})


def token_of(browser: FlaskClient, page: str = "/account/security") -> str:
    return token_in(browser.get(page).text)


def test_the_table_of_roles_is_true(app: Flask) -> None:
    known = {route.row for route in staff_routes(app)}
    assert len(known) == len({row.partition("` |")[0] for row in known}), "a report and its rows differ"
    assert sorted(known - set(documented())) == [], "docs/roles.md lacks these lines"
    assert sorted(set(documented()) - known) == [], "docs/roles.md has lines that are no longer true"


def test_every_page_under_staff_is_for_staff_alone(app: Flask) -> None:
    under = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff")}
    assert under <= {route.rule.endpoint for route in staff_routes(app)}


def test_each_cell_of_the_table_is_kept(browsers: dict[str, FlaskClient], app: Flask) -> None:
    wrong = []
    # Owners last: what they do on the way could change who may do what.
    for who in (VISITOR, READER, *reversed(ROLES)):
        browser = browsers[who]
        token = token_of(browser, "/sign-in" if who == VISITOR else "/account/security")
        for route in staff_routes(app):
            for path in route.paths():
                answer = ask(browser, route, path, token)
                if not _fits(route, who, answer):
                    wrong.append(f"{who}: {route.method} {path} {answer.status} {answer.location}")
    assert wrong == []


def _fits(route: Route, who: str, answer: TestResponse) -> bool:
    to = answer.location or ""
    if who == VISITOR:
        return answer.status_code == 302 and to.startswith("/sign-in?next=")
    if not route.is_open_to(who):
        return answer.status_code == 403
    return answer.status_code not in (403, 405) and answer.status_code < 500 and _is_proven(to, route)


def _is_proven(to: str, route: Route) -> bool:
    """Not sent to prove anything, except by the pages of that themselves."""
    return not to.startswith("/sign-in") or route.rule.endpoint.startswith("factor.")


def test_no_role_opens_anything_without_the_second_factor(
    browsers: dict[str, FlaskClient], app: Flask
) -> None:
    wrong = []
    for role in ROLES:
        browser = browsers[role]
        token = token_of(browser)
        grow_stale(browser, hours=13)
        for route in staff_routes(app):
            if route.is_open_to(role) and routes.needs_factor(app, route.rule.endpoint):
                answer = ask(browser, route, next(route.paths()), token)
                if not (answer.location or "").startswith("/sign-in/factor"):
                    wrong.append(f"{role}: {route.method} {route.rule} {answer.status}")
    assert wrong == []


def test_what_asks_anew_does_so_after_a_quarter_of_an_hour(
    browsers: dict[str, FlaskClient], app: Flask
) -> None:
    browser = browsers[StaffRole.OWNER]
    token = token_of(browser)
    grow_stale(browser, minutes=16)
    anew = [route for route in staff_routes(app) if ANEW in route.cells]
    assert {route.rule.endpoint for route in anew} >= {"people.appoint", "people.end", "plans.price"}
    for route in anew:
        answer = ask(browser, route, next(route.paths()), token)
        assert (answer.location or "").startswith(("/sign-in/factor", "/sign-in/once-more")), route.row


def test_readers_are_none_of_the_staff_s_whatever_their_number(
    browsers: dict[str, FlaskClient], app: Flask
) -> None:
    with app.app_context():
        boris = readers.find("boris@example.org")
        assert boris
        number = boris.id
    owner = browsers[StaffRole.OWNER]
    token = token_of(owner)
    assert owner.get(f"/staff/people/{number}").status_code == 404
    for act in ("roles", "end", "factor"):
        given = {"csrf_token": token, "role": "owner", "reason": "x"}
        assert owner.post(f"/staff/people/{number}/{act}", data=given).status_code == 404
    with app.app_context():
        assert readers.by_id(number).staff_roles == frozenset()
