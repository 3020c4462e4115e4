"""Asks for every canary in every way and by everyone, and says where one came out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paywall.office.asking import Answer, Ask, Send, holds
from paywall.office.canaries import READER, STAFF, STRANGER, Canary, Planted
from paywall.office.leaks import tricks

DEEP = ("patrons", "draft")
STAFFS_TAG = "the tag of staff's page"


@dataclass(frozen=True, slots=True)
class Leak:
    """What came out, to whom, and by which request."""

    canary: Canary
    who: str
    ask: Ask

    def __str__(self) -> str:
        headers = "".join(f" [{name}: {value}]" for name, value in self.ask.headers)
        return f"{self.canary.kind}: {self.ask.what}: {self.who} {self.ask.method} {self.ask.path}{headers}"


@dataclass(slots=True)
class Count:
    """How much was asked, and how many canaries staff could read: of others nothing is proven.

    Neither is it of requests that the rate limits refused, `limited`.
    """

    asked: int = 0
    limited: int = 0
    open_to_staff: int = 0


def hunt(
    planted: Planted, rules: Sequence[tuple[str, frozenset[str]]], send: Send, count: Count
) -> Iterator[Leak]:
    """Ask for every canary plainly; for one that is out and one that is not in every way and by every route.

    Staff have seen each page before, so that what is kept for them could go astray.
    """
    for canary in planted.canaries:
        asks = [Ask("plainly", canary.path)]
        if tag := _fill_caches(planted, canary, send, count):
            asks.append(Ask(STAFFS_TAG, canary.path, headers=(("If-None-Match", tag),)))
        if canary.kind in DEEP:
            asks += tricks.article(canary.path, canary.slug, canary.asked)
            asks += tricks.routes(rules, canary.slug, planted.section, canary.asked)
        for who in (STRANGER, READER):
            for ask in asks:
                answer = send(ask.by(planted.cookies[who]))
                count.asked += 1
                count.limited += answer.status == 429
                if not canary.is_for(who) and _comes_out(canary, ask, answer):
                    yield Leak(canary, who, ask)


def _fill_caches(planted: Planted, canary: Canary, send: Send, count: Count) -> str:
    """Let staff read the page; its tag."""
    answer = send(Ask("staff", canary.path).by(planted.cookies[STAFF]))
    count.open_to_staff += holds(answer, canary.word)
    return answer.header("ETag")


def _comes_out(canary: Canary, ask: Ask, answer: Answer) -> bool:
    is_staffs = answer.status == 304 and ask.what == STAFFS_TAG
    return is_staffs or holds(answer, canary.word)
