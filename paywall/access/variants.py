"""How an answer of the site behind our door goes out: untouched, in full, or as a teaser; its headers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers
from werkzeug.http import parse_etags, unquote_etag
from werkzeug.wsgi import ClosingIterator

from paywall.access.answers import Answer
from paywall.access.arrivals import Arrival
from paywall.access.decision import Reason, Show
from paywall.access.errand import Errand
from paywall.access.pages import Page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

# Of a gated page: what speaks of the site's own bytes, or says how long and for whom they may be kept.
NOT_SENT = (
    "Accept-Ranges",
    "Age",
    "Cache-Control",
    "CDN-Cache-Control",
    "Content-Digest",
    "Content-MD5",
    "Digest",
    "ETag",
    "Expires",
    "Last-Modified",
    "Pragma",
    "Repr-Digest",
    "Surrogate-Control",
)
FOR_ALL = frozenset({Reason.OPEN, Reason.UNLOCKED})
NOT_KEPT = "private, no-store"


def is_bodiless(answer: Answer) -> bool:
    """Whether the answer only points elsewhere, or says that nothing has changed."""
    return answer.code < 200 or answer.code == 204 or 300 <= answer.code < 400


def untouched(errand: Errand, answer: Answer, start_response: "StartResponse") -> Iterable[bytes]:
    """An answer without a gate, as the site sent it; none that sets a cookie is kept for others."""
    headers = answer.headers
    if "Set-Cookie" in headers:
        headers["Cache-Control"] = NOT_KEPT
    if is_bodiless(answer):
        del headers["Content-Length"], headers["Content-Encoding"]
        return _empty(answer, answer.status, headers, start_response)
    if answer.code == 200 and _is_known(errand, unquote_etag(headers.get("ETag"))[0]):
        del headers["Content-Length"]
        return _empty(answer, "304 Not Modified", headers, start_response)
    return _whole(errand, answer, headers, start_response)


def full(
    errand: Errand, answer: Answer, arrival: Arrival, start_response: "StartResponse"
) -> Iterable[bytes]:
    """A gated page whole, chunk by chunk, for this reader alone."""
    headers = _about(errand, answer, arrival)
    return _whole(errand, answer, headers, start_response)


def teaser(
    errand: Errand,
    answer: Answer,
    page: Page,
    arrival: Arrival,
    start_response: "StartResponse",
) -> Iterable[bytes]:
    """A gated page after the cut, under a tag that is made of what is left."""
    headers = _about(errand, answer, arrival)
    # What brings a cookie has no tag (see middleware).
    if not arrival.headers:
        headers["ETag"] = page.etag
    del headers["Content-Encoding"]
    if answer.code == 200 and not arrival.headers and _is_known(errand, page.etag.strip('"')):
        del headers["Content-Length"]
        return _empty(answer, "304 Not Modified", headers, start_response)
    headers["Content-Type"] = "text/html; charset=utf-8"
    headers["Content-Length"] = str(len(page.body))
    start_response(answer.status, list(headers))
    return [] if errand.is_head else [page.body]


def _about(errand: Errand, answer: Answer, arrival: Arrival) -> Headers:
    headers = Headers(list(answer.headers))
    for name in NOT_SENT:
        headers.remove(name)
    kept = [part.strip() for part in ",".join(headers.getlist("Vary")).split(",")]
    headers["Vary"] = ", ".join(dict.fromkeys(["Cookie", *filter(None, kept)]))
    headers["Cache-Control"] = _kept_by(errand, answer, arrival)
    headers["X-Paywall"] = arrival.said
    for name, value in arrival.headers:
        headers.add(name, value)
    return headers


def _kept_by(errand: Errand, answer: Answer, arrival: Arrival) -> str:
    if "Set-Cookie" in answer.headers or arrival.gift is not None:
        return NOT_KEPT
    is_granted = arrival.decision.show is Show.FULL and arrival.decision.reason not in FOR_ALL
    is_personal = not arrival.is_shared or errand.has_cookies or is_granted
    return "private, no-cache" if is_personal else "public, no-cache"


def _whole(
    errand: Errand, answer: Answer, headers: Headers, start_response: "StartResponse"
) -> Iterable[bytes]:
    if errand.is_head:
        return _empty(answer, answer.status, headers, start_response)
    start_response(answer.status, list(headers))
    return ClosingIterator(answer.raw(), answer.close)


def _empty(answer: Answer, status: str, headers: Headers, start_response: "StartResponse") -> Iterable[bytes]:
    answer.close()
    start_response(status, list(headers))
    return []


def _is_known(errand: Errand, etag: str | None) -> bool:
    """Whether the browser holds this very variant."""
    known = parse_etags(errand.environ.get("HTTP_IF_NONE_MATCH"))
    return (
        errand.environ["REQUEST_METHOD"] in {"GET", "HEAD"} and etag is not None and known.contains_weak(etag)
    )
