"""Readers taking turns at a cache: each answer beside the one that the same reader gets directly."""

import enum
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock

from paywall.errors import BadInput
from paywall.office.asking import Answer, Ask, Send
from paywall.office.caches import judge
from paywall.office.caches.judge import REQUEST_ID, Likeness

# Different addresses are asked at once; at one address readers take turns.
LINES = 4
SHOWN = ("Cache-Control", "Vary", "ETag", "X-Paywall", "Set-Cookie", "Age", "X-Cache")


class Order(enum.StrEnum):
    """In which order readers come to an address. Each order has a spelling, and so a store, of its own."""

    FORWARD = "forward"
    BACKWARD = "backward"
    AT_ONCE = "at once"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one answer: when, in which order, to whom, to what, and with which headers."""

    moment: str
    order: str
    who: str
    ask: Ask
    what: str
    answers: tuple[tuple[str, Answer], ...]

    def __str__(self) -> str:
        asked = " ".join(f"[{name}: {value}]" for name, value in self.ask.headers)
        lines = [f"{self.ask.method} {self.ask.path} {asked}".rstrip(), f"  {self.what}"]
        lines.append(f"  when: {self.moment}; order: {self.order}; who: {self.who}")
        return "\n".join((*lines, *(f"  {name}: {_shown(answer)}" for name, answer in self.answers)))


@dataclass(slots=True)
class Seen:
    """What shows that this was a test: requests, addresses that may be kept and that were, words read."""

    asked: int = 0
    revalidated: int = 0
    may_be_kept: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    words: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))


class Turns:
    """`people` are cookies by name; `direct` asks the site itself, `through` the cache before it."""

    def __init__(self, people: Mapping[str, str], *, direct: Send, through: Send) -> None:
        self._people = people
        self._direct, self._through = direct, through
        self._before: dict[tuple[str, Ask], set[Likeness]] = defaultdict(set)
        self._once_shared: set[str] = set()
        self._lock = Lock()
        self.seen = Seen()

    def play(
        self, moment: str, asks: Iterable[Ask], orders: Sequence[Order], who: Iterable[str] = ()
    ) -> Iterator[Fault]:
        """Everybody, or those named, ask for each of these in each order."""
        names = tuple(who) or tuple(self._people)
        yield from self._each(partial(self._at_one_address, moment, orders, names), asks)

    def with_tags(self, moment: str, asks: Iterable[Ask]) -> Iterator[Fault]:
        """Everybody asks whether what any other was given is still what they would get."""
        yield from self._each(partial(self._with_tags, moment), asks)

    def _each(self, play: "partial[list[Fault]]", asks: Iterable[Ask]) -> Iterator[Fault]:
        with ThreadPoolExecutor(LINES) as lines:
            for faults in lines.map(play, asks):
                yield from faults

    def _at_one_address(
        self, moment: str, orders: Sequence[Order], names: Sequence[str], ask: Ask
    ) -> list[Fault]:
        direct = {who: self._ask_directly(moment, who, ask) for who in names}
        faults = [Fault(moment, "directly", "", ask, said, ()) for said in judge.misstated(direct)]
        if any(judge.is_shareable(answer) for answer in direct.values()):
            self._once_shared.add(ask.path)
        # What was never for all comes from the site, in whatever order it is asked for.
        for number, order in enumerate(orders if ask.path in self._once_shared else orders[:1]):
            spelt = replace(ask, path=spelling(ask.path, number))
            turn = partial(self._turn, moment, order, ask, spelt)
            queue = _in(order, names)
            with ThreadPoolExecutor(len(queue) if order is Order.AT_ONCE else 1) as crowd:
                taken = crowd.map(turn, queue, [direct[who] for who in queue])
                faults += [fault for found in taken for fault in found]
        return faults

    def _with_tags(self, moment: str, ask: Ask) -> list[Fault]:
        tags = {self._ask_directly(moment, who, ask).header("ETag") for who in self._people} - {""}
        faults: list[Fault] = []
        for who in self._people:
            for tag in sorted(tags):
                asked = ask.plus("If-None-Match", tag)
                direct = self._ask_directly(moment, who, asked)
                faults += self._turn(moment, "another's tag", asked, asked, who, direct)
        return faults

    def _turn(self, moment: str, order: str, plain: Ask, ask: Ask, who: str, direct: Answer) -> list[Fault]:
        through, request_id = self._send(self._through, who, ask)
        self._note(plain, direct, through, request_id)
        found = judge.mixed_up(direct, through, request_id, self._before[who, plain])
        answers = (("directly", direct), ("through the cache", through))
        return [Fault(moment, order, who, ask, what, answers) for what in found]

    def _ask_directly(self, moment: str, who: str, ask: Ask) -> Answer:
        answer, request_id = self._send(self._direct, who, ask)
        if judge.is_kept(answer, request_id):
            raise BadInput("There is a cache before this site already: give --base the site's own address.")
        self._before[who, ask].add(judge.likeness(answer))
        self.seen.words[moment, who] |= judge.words(answer)
        return answer

    def _send(self, send: Send, who: str, ask: Ask) -> tuple[Answer, str]:
        request_id = uuid.uuid4().hex
        answer = send(ask.by(self._people[who]).plus(REQUEST_ID, request_id))
        with self._lock:
            self.seen.asked += 1
        if answer.status == 429:
            raise BadInput("The site limits how often it is asked: set PAYWALL_RATE_LIMITS=false meanwhile.")
        return answer, request_id

    def _note(self, plain: Ask, direct: Answer, through: Answer, request_id: str) -> None:
        """Remember what was kept of what may be kept: otherwise nothing is proven."""
        said = through.header("X-Cache")
        with self._lock:
            self.seen.revalidated += said == "REVALIDATED"
        if plain.method == "GET" and direct.status == 200 and judge.is_fresh_for_a_time(direct):
            self.seen.may_be_kept.add(plain.path)
            if said == "HIT" and judge.is_kept(through, request_id):
                self.seen.kept.add(plain.path)


def spelling(path: str, number: int) -> str:
    """The same path written otherwise: a cache takes it for another, the site does not."""
    before, after = path[:number], path[number : number + 1]
    if number == 0:
        return path
    if not (after.isalpha() and after.isascii()):
        return f"{path}{'&' if '?' in path else '?'}{'&' * (number - 1)}"
    return f"{before}%{ord(after):02x}{path[number + 1 :]}"


def _in(order: Order, names: Sequence[str]) -> Sequence[str]:
    return tuple(reversed(names)) if order is Order.BACKWARD else names


def _shown(answer: Answer) -> str:
    headers = (f"{name}: {value}" for name in SHOWN if (value := answer.header(name)))
    return "; ".join((str(answer.status), *headers))
