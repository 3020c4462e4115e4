"""Sends signed events as Stripe does: over connections that stay open, and again until each has its 2xx."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from threading import Thread

from paywall.sandbox.deliveries import signature

PATH = "/webhooks/stripe"
# What stands in a template in the places of these two ids.
EVENT, CUSTOMER = "evt_EVENT", "cus_CUSTOMER"
CUSTOMERS = 1000
AGAIN_AFTER = 0.05
GIVE_UP = 60.0
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """Events number `first` to `first + count - 1`; at `rate` a second, or each when the last is answered."""

    port: int
    secret: str
    template: str
    first: int
    count: int
    connections: int
    rate: float | None = None

    def event_id(self, number: int) -> str:
        """The id of an event of this plan."""
        return f"evt_bench{number:012}"

    def body(self, number: int) -> bytes:
        """What is sent for an event."""
        customer = f"cus_bench{number % CUSTOMERS:06}"
        return self.template.replace(EVENT, self.event_id(number)).replace(CUSTOMER, customer).encode()


@dataclass
class Sent:
    """What became of a plan: for each event with a 2xx the seconds to it, from when the event was due.

    `redelivered` are those that were sent more than once.
    """

    planned: int
    seconds: float = 0.0
    waits: dict[str, float] = field(default_factory=dict)
    redelivered: set[str] = field(default_factory=set)


# What a sender needs is imported once for all of them.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


class Sender:
    """A process of its own that carries out a plan from now on."""

    def __init__(self, plan: Plan) -> None:
        self._heard, tell = CONTEXT.Pipe(duplex=False)
        self._answered = CONTEXT.Value("q", 0)
        self._process = CONTEXT.Process(target=_carry_out, args=(plan, tell, self._answered))
        self._process.start()
        tell.close()

    def wait_for(self, answered: int) -> None:
        """Return when so many events have their 2xx, or the sender has ended."""
        while self._answered.value < answered and self._process.is_alive():
            time.sleep(0.002)

    def finish(self) -> Sent:
        """Wait for the end, and tell how it went."""
        sent: Sent = self._heard.recv()
        self._process.join()
        return sent


def _carry_out(plan: Plan, tell: Connection, answered: "Synchronized[int]") -> None:
    sent, numbers, began = Sent(plan.count), count(), time.monotonic()
    threads = [
        Thread(target=_work, args=(plan, sent, numbers, began, answered)) for _ in range(plan.connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.seconds = time.monotonic() - began
    tell.send(sent)


def _work(
    plan: Plan, sent: Sent, numbers: Iterator[int], began: float, answered: "Synchronized[int]"
) -> None:
    line = _Line(plan.port)
    while (index := next(numbers)) < plan.count:
        # From when it was to leave: a sender that waits for a slow answer is late for the next.
        intended = began + index / plan.rate if plan.rate else time.monotonic()
        time.sleep(max(0.0, intended - time.monotonic()))
        number = plan.first + index
        if _delivered(line, plan, sent, number):
            sent.waits[plan.event_id(number)] = time.monotonic() - intended
            with answered.get_lock():
                answered.value += 1


def _delivered(line: "_Line", plan: Plan, sent: Sent, number: int) -> bool:
    body, deadline = plan.body(number), time.monotonic() + GIVE_UP
    while time.monotonic() < deadline:
        with suppress(OSError):
            if 200 <= line.post(body, signature(body, plan.secret)) < 300:
                return True
        sent.redelivered.add(plan.event_id(number))
        time.sleep(AGAIN_AFTER)
    return False


class _Line:
    """A connection that stays open, with as much of HTTP/1.1 as that needs: the sender shares our machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def post(self, body: bytes, signed: str) -> int:
        """The status of the answer; raises OSError if there is none."""
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUser-Agent: Stripe/1.0\r\n"
            f"Content-Type: application/json; charset=utf-8\r\nStripe-Signature: {signed}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            self._socket = self._socket or socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.sendall(head.encode() + body)
            return self._status(self._socket)
        except OSError:
            if self._socket:
                self._socket.close()
            self._socket = None
            raise

    def _status(self, line: socket.socket) -> int:
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += _some(line)
        head, _, rest = heard.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        missing = int(length[1]) - len(rest) if length else 0
        while missing > 0:
            missing -= len(_some(line))
        return int(head.split(b" ", 2)[1])


def _some(line: socket.socket) -> bytes:
    if not (heard := line.recv(65536)):
        raise ConnectionError("hung up")
    return heard
