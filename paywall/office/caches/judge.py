"""Whether an answer may be kept, and whether one that came through a cache is its reader's own. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from werkzeug.datastructures import ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_set_header

from paywall.office import canaries
from paywall.office.asking import Answer

REQUEST_ID = "X-Request-ID"


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two answers have in common that are the same for a reader; `body` None: it differs each time."""

    status: int
    variant: str
    tag: str
    body: bytes | None


def is_shareable(answer: Answer) -> bool:
    """Whether a cache on the way may hold it."""
    said = _said(answer)
    return not (said.private or said.no_store)


def is_fresh_for_a_time(answer: Answer) -> bool:
    """Whether a cache on the way may give it again without asking us."""
    said = _said(answer)
    seconds = said.max_age if said.s_maxage is None else said.s_maxage
    return is_shareable(answer) and not said.no_cache and (seconds or 0) > 0


def is_kept(answer: Answer, request_id: str) -> bool:
    """Whether it was made for another request than this one."""
    return answer.header(REQUEST_ID) != request_id


def likeness(answer: Answer) -> Likeness:
    """What must be the same; a body without a tag that is for one reader holds a token of its own."""
    tag = answer.header("ETag")
    is_steady = bool(tag) or is_shareable(answer)
    return Likeness(answer.status, answer.header("X-Paywall"), tag, answer.body if is_steady else None)


def misstated(answers: Mapping[str, Answer]) -> Iterator[str]:
    """What is wrong with the headers of these answers, which readers got directly at the same address."""
    differs = len({(answer.status, answer.body) for answer in answers.values()}) > 1
    for who, answer in answers.items():
        if not answer.header("Cache-Control"):
            yield f"does not say to {who} who may keep it"
        if not is_shareable(answer):
            continue
        if answer.header("Set-Cookie"):
            yield f"may be kept by all, and sets a cookie for {who}"
        if differs and "cookie" not in parse_set_header(answer.header("Vary")):
            yield f"differs by who asks, and its Vary does not say so to {who}"


def mixed_up(direct: Answer, through: Answer, request_id: str, before: Collection[Likeness]) -> Iterator[str]:
    """What is wrong with an answer through a cache, beside what its reader got directly now and `before`."""
    alike = _alike(through, direct)
    if is_kept(through, request_id):
        if not is_shareable(direct):
            yield "came out of the store, and is for one reader alone"
        if through.header("Set-Cookie"):
            yield "brought a cookie out of the store"
    right = {likeness(direct), *(before if is_fresh_for_a_time(direct) else ())}
    if _like(alike, direct) not in right:
        yield "is not what this reader gets directly"
    elif more := words(alike) - words(direct):
        yield f"holds what this reader may not read: {', '.join(sorted(more))}"


def words(answer: Answer) -> frozenset[str]:
    """The canaries' words in it."""
    said = " ".join(value for _, value in answer.headers)
    return frozenset(canaries.WORD.findall(f"{said} {answer.body.decode('utf-8', 'replace')}"))


def _said(answer: Answer) -> ResponseCacheControl:
    return parse_cache_control_header(answer.header("Cache-Control"), cls=ResponseCacheControl)


def _like(answer: Answer, direct: Answer) -> Likeness:
    found = likeness(answer)
    return found if likeness(direct).body is not None else replace(found, body=None)


def _alike(answer: Answer, direct: Answer) -> Answer:
    """The answer as we would have put it.

    A cache may cut a range out of it that we do not cut, and send all of what we know to be known.
    """
    is_part = (answer.status, direct.status) == (206, 200) and answer.body in direct.body
    is_known = (answer.status, direct.status) == (200, 304) and answer.header("ETag") == direct.header("ETag")
    return replace(answer, status=direct.status, body=direct.body) if is_part or is_known else answer
