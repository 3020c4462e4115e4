"""The guard before another WSGI app: which gate a page has, what is asked of the app, and what goes out."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from paywall.access.arrivals import Arrival
from paywall.access.decision import Decision, Gate, Reason, Show
from paywall.access.gift_links.opening import Opening
from paywall.access.gift_links.rules import State
from paywall.access.guard import Denied, Guard
from paywall.access.marked import Marks
from paywall.access.pages import PageStore
from paywall.access.patterns import Pattern, Rules

SECRET = "Under the third stair lies a pearl that nobody in the house has counted yet."
META = '<meta name="paywall:gate" content="patrons">'
MARKED = f'<p>Open words.</p><div class="paywall">{SECRET}</div>'
NO = Decision(Show.TEASER, Reason.PATRONS_ONLY)
YES = Decision(Show.FULL, Reason.PATRON)


class House:
    """A site in this process, a guard before it, and whoever stands there: told `decision`."""

    def __init__(self, *gates: tuple[str, str]) -> None:
        self.html, self.status, self.kind = "", "200 OK", "text/html"
        self.headers: dict[str, str] = {}
        self.decision, self.signed_in = NO, False
        self.seen: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.noted: list[str] = []
        self.offered: list[Denied] = []
        self.closed = 0
        listed = tuple((Pattern.parse(path), Gate.parse(gate)) for path, gate in gates)
        guard = Guard(
            self.site,
            rules=Rules(gates=listed),
            marks=Marks(words=10),
            decider=self.decide,
            noted=self.note,
            faces=self,
            store=PageStore(1_000_000),
            limit=10_000,
        )
        self.client = _Browser(guard, use_cookies=False)

    def page(self, body: str, head: str = "") -> None:
        self.html = f"<!doctype html><html><head><title>A</title>{head}</head><body>{body}</body></html>"

    def site(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(environ)
        start(self.status, [("Content-Type", self.kind), *self.headers.items()])
        return _Closing(self)

    def note(self, _environ: dict[str, Any], arrival: Arrival, key: str) -> Arrival:
        self.noted.append(key)
        return arrival

    def decide(self, _environ: dict[str, Any], gate: Gate, key: str) -> Arrival:
        self.asked.append((str(gate), key))
        is_shared = not self.signed_in and self.decision.reason in {Reason.OPEN, Reason.PATRONS_ONLY}
        gift = Opening(State.GOOD) if self.decision.reason is Reason.GIFT else None
        return Arrival(self.decision, gate, self.signed_in, gift=gift, is_shared=is_shared)

    def offer(self, _environ: dict[str, Any], denied: Denied) -> str:
        self.offered.append(denied)
        return "[offer]"

    def locked(self, _environ: dict[str, Any], denied: Denied, status: int) -> Response:
        return Response(f"locked {denied.title}", status)

    def error(self, _environ: dict[str, Any], status: int) -> Response:
        return Response("error", status)


class _Browser(Client):
    def open(self, *args: Any, **given: Any) -> TestResponse:
        """Read an answer to its end, and close it."""
        return super().open(*args, buffered=True, **given)


class _Closing:
    def __init__(self, house: House) -> None:
        self.house = house
        self.chunks = iter([house.html[:200].encode(), house.html[200:].encode()])

    def __iter__(self) -> "_Closing":
        return self

    def __next__(self) -> bytes:
        return next(self.chunks)

    def close(self) -> None:
        self.house.closed += 1


def denied(answer: TestResponse) -> TestResponse:
    """An answer without the secret."""
    assert SECRET not in answer.text
    return answer


@pytest.mark.parametrize(
    ("head", "body", "path", "gate", "key"),
    [
        (META, MARKED, "/a", "patrons", "/a"),
        ('<meta name="paywall:gate" content="patron">', MARKED, "/a", "unknown", "/a"),
        (META.replace("patrons", "plan:x"), MARKED, "/listed/a", "plan:x", "/listed/a"),
        ("", MARKED, "/listed/a", "registered", "/listed/a"),
        ('<link rel=canonical href="https://x.org/listed/a?b">', MARKED, "/?p=1", "registered", "/listed/a"),
        ('<link rel=canonical href="/c">', MARKED, "/a", "patrons", "/c"),
        ("", MARKED, "/a?b=1", "patrons", "/a?b=1"),
        ("", f"<!-- paywall -->{SECRET}", "/a/", "patrons", "/a"),
        ('<link rel=canonical href="http://[">', MARKED, "/a", "patrons", "/a"),
    ],
)
def test_a_page_has_the_gate_that_it_names_or_its_path_or_its_mark(
    head: str, body: str, path: str, gate: str, key: str
) -> None:
    house = House(("/listed", "registered"))
    house.page(body, head)
    denied(house.client.get(path))
    assert house.asked == [(gate, key)]
    house.decision = YES
    assert SECRET in house.client.get(path).text


def test_a_page_without_gate_and_mark_is_untouched_and_nobody_is_asked() -> None:
    house = House()
    house.page("<p>free</P><!-- more -->")
    house.headers = {"ETag": '"a"', "Cache-Control": "max-age=60"}
    answer = house.client.get("/a")
    assert answer.text == house.html
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert house.asked == []
    again = house.client.get("/a", headers={"If-None-Match": 'W/"a"'})
    assert (again.status_code, again.data) == (304, b"")
    assert house.closed == 2


def test_a_cookie_of_the_site_makes_an_answer_nobody_elses() -> None:
    house = House()
    house.page("<p>free")
    house.headers = {"Set-Cookie": "a=b", "Cache-Control": "public, max-age=60"}
    assert house.client.get("/a").headers["Cache-Control"] == "private, no-store"
    house.page(MARKED)
    for house.decision in (NO, YES):
        assert house.client.get("/a").headers["Cache-Control"] == "private, no-store"


def test_a_public_path_goes_on_as_it_was_asked_and_is_not_looked_at() -> None:
    house = House(("/free", "public"))
    house.page(MARKED, META)
    answer = house.client.get("/free/a", headers={"Range": "bytes=1-2", "Accept-Encoding": "br"})
    assert answer.text == house.html
    assert (house.seen[0]["HTTP_RANGE"], house.seen[0]["HTTP_ACCEPT_ENCODING"]) == ("bytes=1-2", "br")
    assert house.asked == []


@pytest.mark.parametrize(
    ("given", "sent"), [("gzip, br", "gzip"), ("br", "identity"), ("gzip;q=0", "identity")]
)
def test_of_what_may_be_gated_the_whole_page_is_asked_for(given: str, sent: str) -> None:
    house = House()
    house.page(MARKED)
    conditions = {"Range": "bytes=1-2", "If-None-Match": '"a"', "If-Modified-Since": "x", "If-Range": "y"}
    denied(house.client.head("/a", headers={"Accept-Encoding": given, **conditions}))
    seen = house.seen[0]
    assert seen["REQUEST_METHOD"] == "GET"
    assert seen["HTTP_ACCEPT_ENCODING"] == sent
    assert not {"HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE"} & seen.keys()


def test_a_teaser_has_its_own_tag_and_no_word_of_the_sites_bytes() -> None:
    house = House()
    house.page(MARKED)
    house.headers = {
        "ETag": '"a"',
        "Last-Modified": "x",
        "Digest": "y",
        "Vary": "Accept-Encoding",
        "X-Site": "1",
    }
    answer = denied(house.client.get("/a"))
    assert "[offer]" in answer.text
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert answer.headers["Vary"] == "Cookie, Accept-Encoding"
    assert answer.headers["X-Paywall"] == "teaser; reason=patrons_only"
    assert answer.headers["X-Site"] == "1"
    assert not {"Last-Modified", "Digest"} & set(answer.headers.keys())
    tag = answer.headers["ETag"]
    assert tag != '"a"'
    again = house.client.get("/a", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    head = house.client.head("/a")
    assert (head.data, head.headers["Content-Length"]) == (b"", answer.headers["Content-Length"])
    house.decision = YES
    full = house.client.get("/a", headers={"If-None-Match": tag})
    assert SECRET in full.text
    assert house.client.head("/a").data == b""
    assert "ETag" not in full.headers


@pytest.mark.parametrize(
    ("decision", "signed_in", "cookie", "kept"),
    [
        (NO, False, None, "public, no-cache"),
        (NO, False, "a=b", "private, no-cache"),
        (NO, True, None, "private, no-cache"),
        (YES, True, None, "private, no-cache"),
        (Decision(Show.FULL, Reason.OPEN), False, None, "public, no-cache"),
        (Decision(Show.FULL, Reason.METERED), False, None, "private, no-cache"),
        (Decision(Show.FULL, Reason.INSTITUTION), False, None, "private, no-cache"),
        (Decision(Show.FULL, Reason.GIFT), False, None, "private, no-store"),
    ],
)
def test_what_is_for_one_reader_is_kept_for_no_other(
    decision: Decision, cookie: str | None, kept: str, *, signed_in: bool
) -> None:
    house = House()
    house.page(MARKED)
    house.decision, house.signed_in = decision, signed_in
    headers = {"Cookie": cookie} if cookie else {}
    assert house.client.get("/a", headers=headers).headers["Cache-Control"] == kept


def test_the_same_page_is_cut_once_and_another_anew() -> None:
    house = House()
    house.page(MARKED)
    for _twice in range(2):
        denied(house.client.get("/a?b"))
    assert len(house.offered) == 1
    offered = house.offered[0]
    assert (offered.here, offered.title, offered.gate) == ("/a?b", "A", Gate.parse("patrons"))
    house.page(MARKED + "<p>more</p>")
    denied(house.client.get("/a?b"))
    house.decision = Decision(Show.TEASER, Reason.METER_SPENT)
    denied(house.client.get("/a?b"))
    assert [one.decision.reason for one in house.offered] == ["patrons_only", "patrons_only", "meter_spent"]


@pytest.mark.parametrize(
    ("html", "headers", "status"),
    [
        (f"<!doctype html><title>A</title>{META}<div>{SECRET}</div>", {}, 200),
        (f"<!doctype html><title>A</title>{META}</head>{MARKED}{' ' * 10_000}", {}, 200),
        (f"<!doctype html><title>A</title><body>{SECRET}{' ' * 10_000}", {}, 200),
        (SECRET, {"Content-Encoding": "br"}, 502),
        (SECRET, {"Content-Encoding": "gzip"}, 502),
    ],
)
def test_a_page_that_cannot_be_cut_is_shown_to_those_only_who_may_read_it(
    html: str, headers: dict[str, str], status: int
) -> None:
    house = House()
    house.html, house.headers = html, headers
    answer = denied(house.client.get("/a"))
    assert answer.status_code == status
    assert answer.text == ("locked A" if status == 200 else "locked ")
    house.decision = YES
    assert house.client.get("/a").text == html
    assert house.closed == 2


@pytest.mark.parametrize("kind", ["text/html; charset=utf-16", "text/html; charset=made-up"])
def test_nor_is_one_of_a_charset_that_we_cannot_read(kind: str) -> None:
    house = House()
    house.page(MARKED)
    house.kind = kind
    assert denied(house.client.get("/a")).status_code == 502


def test_an_answer_in_part_is_no_page_that_could_be_judged() -> None:
    house = House()
    house.html, house.status = f"</p>{SECRET}", "206 Partial Content"
    assert denied(house.client.get("/a.pdf")).status_code == 502


@pytest.mark.parametrize(
    ("kind", "path", "is_denied"),
    [
        ("application/json", "/a", True),
        ("application/vnd.api+json; charset=utf-8", "/a", True),
        ("application/rss+xml", "/a", True),
        ("application/xhtml+xml", "/a", True),
        ("application/json", "/wp-admin/admin-ajax.php", False),
        ("application/xml", "/sitemap.xml", False),
        ("text/css", "/listed/a.css", False),
        ("image/jpeg", "/listed/a.jpg", False),
        ("application/pdf", "/listed/a.pdf", True),
        ("text/plain", "/listed/a.txt", True),
        ("application/pdf", "/a.pdf", False),
    ],
)
def test_what_is_no_page_is_given_whole_or_not_at_all(kind: str, path: str, *, is_denied: bool) -> None:
    house = House(("/listed", "registered"))
    house.html, house.kind = SECRET, kind
    answer = house.client.get(path)
    assert (answer.status_code, SECRET in answer.text) == ((404, False) if is_denied else (200, True))
    person = house.client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (person.status_code, person.text) == (200, "locked " if is_denied else SECRET)
    house.decision = YES
    assert SECRET in house.client.get(path).text


@pytest.mark.parametrize("path", ["/feed/", "/wp-json/wp/v2/posts", "/a?amp=1", "/?rest_route=/", "/a.json"])
def test_for_a_copy_the_site_is_not_even_asked(path: str) -> None:
    house = House()
    house.html, house.kind = SECRET, "application/json"
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        assert denied(house.client.open(path, method=method)).status_code == 404
    assert house.seen == []
    house.decision = YES
    answer = house.client.get(path)
    assert SECRET in answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_amp_of_another_page_is_a_copy_but_not_a_site_that_is_all_amp() -> None:
    house = House()
    head = "<!doctype html><html amp><head><link rel=canonical href=/a></head>"
    amp = f"{head}<article>{SECRET} {SECRET}</article>"
    house.html = amp
    denied(house.client.get("/b"))
    assert house.asked == [("patrons", "/a")]
    assert house.client.get("/a").text == amp


@pytest.mark.parametrize("path", ["/a/../b", "/a/%2e%2E/b", "/./a", "/a%5Cb", "/a%00", "/a%0a", "b"])
def test_a_path_that_servers_read_differently_does_not_go_on(path: str) -> None:
    house = House(("/b", "patrons"))
    house.html = SECRET
    plain = Client(lambda environ, start: house.client.application({**environ, "PATH_INFO": path}, start))
    answer = denied(house.client.get(path) if path != "b" else plain.get("/"))
    assert answer.status_code == 400
    assert house.seen == []


def test_a_redirect_of_a_gated_path_leads_on_without_a_word() -> None:
    house = House(("/a", "patrons"))
    house.page(MARKED)
    house.status, house.headers = "301 Moved", {"Location": "/a/", "Content-Length": "9"}
    answer = denied(house.client.get("/a"))
    assert (answer.status_code, answer.headers["Location"], answer.data) == (301, "/a/", b"")
    assert house.asked == []


@pytest.mark.parametrize("body", [MARKED, SECRET])
def test_a_page_that_failed_halfway_is_cut_too_and_says_so(body: str) -> None:
    house = House(("/a", "patrons"))
    house.page(body)
    house.status = "500 Internal Server Error"
    assert denied(house.client.get("/a")).status_code == 500


def test_a_decision_of_the_request_itself_counts_for_nothing() -> None:
    house = House()
    house.page(MARKED)
    denied(house.client.get("/a", environ_overrides={"paywall.decision": YES}))


def test_a_fault_of_ours_lets_go_of_the_answer() -> None:
    house = House()
    house.page(MARKED)
    house.offer = None  # type: ignore[assignment,method-assign]  # it breaks
    with pytest.raises(TypeError):
        house.client.get("/a")
    assert house.closed
