"""Asks for every canary in every way and by everyone, and says where one came out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from paywall.access.gift_links.opening import PARAMETER
from paywall.office.asking import Answer, Ask, Send, holds
from paywall.office.canaries import NOT_OUT, READER, STAFF, STRANGER, Canary
from paywall.office.leaks import tricks
from paywall.office.leaks.askers import GIVEN, METERED, TRICKY, Askers

DEEP = ("patrons", "draft")
PLAINLY, STAFFS_TAG = "plainly", "the tag of staff's page"
GIFT, CHANGED = "a gift of another article", "plainly, after all that was to be refused"
Rules = Sequence[tuple[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Leak:
    """What came out, to whom, and by which request."""

    canary: Canary
    who: str
    ask: Ask

    def __str__(self) -> str:
        # Whose cookie it was is said; what opens something is told to nobody.
        told = [one for one in self.ask.headers if one[0] not in {"Authorization", "Cookie"}]
        headers = "".join(f" [{name}: {value}]" for name, value in told)
        return f"{self.canary.kind}: {self.ask.what}: {self.who} {self.ask.method} {self.ask.path}{headers}"


@dataclass(slots=True)
class Count:
    """How much was asked; of requests that the rate limits refused, `limited`, nothing is proven.

    Neither is it where somebody could not read what is for them: `unproven` says who, and which kind.
    """

    asked: int = 0
    limited: int = 0
    unproven: list[str] = field(default_factory=list)


def hunt(askers: Askers, rules: Rules, send: Send, count: Count) -> Iterator[Leak]:
    """Ask for every canary plainly, by everybody; for some in every way, and by every route.

    Staff have seen each page before, so that what is kept for them could go astray.
    """
    for canary in askers.planted.canaries:
        tag = _fill_caches(askers, canary, send, count)
        for who, ask in _asks(askers, canary, rules, tag):
            answer = send(ask)
            count.asked += 1
            count.limited += answer.status == 429
            if askers.may_read(who, canary) and ask.what == PLAINLY:
                _note(who, canary, answer, count)
            elif not askers.may_read(who, canary) and _comes_out(canary, ask, answer):
                yield Leak(canary, who, ask)


def _asks(askers: Askers, canary: Canary, rules: Rules, tag: str) -> Iterator[tuple[str, Ask]]:
    """Who asks for this article, and how."""
    everybody = {who: cookie for who, cookie in askers.cookies.items() if who != STAFF}
    common = [Ask(PLAINLY, canary.path)]
    if tag:
        common.append(Ask(STAFFS_TAG, canary.path, headers=(("If-None-Match", tag),)))
    if canary.kind != GIVEN:
        common.append(Ask(GIFT, f"{canary.path}?{PARAMETER}={askers.gift}"))
    for who, cookie in everybody.items():
        yield from ((who, ask.by(cookie)) for ask in common)
    for who, cookie in everybody.items():
        yield from ((who, ask.by(cookie)) for ask in _tricks(askers, canary, rules, who))
    for lack, token in askers.tokens.items():
        for ask in tricks.out_of_scope(canary.slug):
            yield lack, ask.plus("Authorization", f"Bearer {token}")
    yield STRANGER, Ask(CHANGED, canary.path)


def _tricks(askers: Askers, canary: Canary, rules: Rules, who: str) -> Iterator[Ask]:
    is_deep = canary.kind in DEEP and who in {STRANGER, READER}
    if is_deep or canary.kind == TRICKY.get(who):
        asks = tricks.article(canary.path, canary.slug, canary.asked)
        # Whoever comes with another cookie is somebody else, and may have free reads.
        yield from (ask for ask in asks if canary.kind != METERED or not ask.has_cookie)
    if is_deep:
        yield from tricks.routes(rules, canary.slug, askers.planted.section, canary.asked)


def _fill_caches(askers: Askers, canary: Canary, send: Send, count: Count) -> str:
    """Let staff read the page, and a stranger what is given to them; the tag of staff's."""
    answer = send(Ask("staff", canary.path).by(askers.cookies[STAFF]))
    if canary.kind not in NOT_OUT:
        _note(STAFF, canary, answer, count)
    if canary.kind == GIVEN:
        gift = Ask("its gift", f"{canary.path}?{PARAMETER}={askers.gift}")
        _note("who has its gift link", canary, send(gift), count)
    return answer.header("ETag")


def _note(who: str, canary: Canary, answer: Answer, count: Count) -> None:
    if not holds(answer, canary.word):
        count.unproven.append(f"the {who}: {canary.kind}")


def _comes_out(canary: Canary, ask: Ask, answer: Answer) -> bool:
    is_staffs = answer.status == 304 and ask.what == STAFFS_TAG
    is_let_in = answer.status < 400 and ask.what.startswith(tricks.OUT_OF_SCOPE)
    return is_staffs or is_let_in or holds(answer, canary.word)
