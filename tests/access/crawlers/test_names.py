"""What the DNS says of an address: true, lying, hanging or silent, and how long it is remembered."""

import socket
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from paywall.access.crawlers import names
from paywall.access.crawlers.engines import BY_NAME, Address, Engine, read
from paywall.access.crawlers.names import AGAIN, BELIEVED, DAY, HOUR, Finding, Names, look_up
from tests.access.crawlers.dns import DNS, UNKNOWN_HOST, UNKNOWN_NAME

GOOGLE = BY_NAME["google"]
ADDRESS = ip_address("66.249.66.1")
IP = "66.249.66.1"
HOST = "crawl-66-249-66-1.googlebot.com"
NO_DATA = socket.herror(4, "No address associated with name")
TRY_AGAIN = socket.herror(2, "Host name lookup failure")
NAME_AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    ("reverse", "forward", "is_theirs"),
    [
        pytest.param(HOST, IP, True, id="true"),
        pytest.param(f"{HOST}.", IP, True, id="with its dot"),
        pytest.param(HOST.upper(), IP, True, id="in capitals"),
        pytest.param(HOST, ["66.249.66.9", IP], True, id="several addresses"),
        pytest.param(HOST, f"::ffff:{IP}", True, id="the address written as IPv6"),
        pytest.param(["66-249-66-1.example.org", HOST], IP, True, id="a second name"),
        pytest.param(HOST, "66.249.66.9", False, id="a lying name"),
        pytest.param(HOST, "not an address", False, id="nonsense"),
        pytest.param(HOST, [], False, id="a name without an address"),
        pytest.param(HOST, UNKNOWN_NAME, False, id="a name that nobody knows"),
        pytest.param("googlebot.com.evil.org", IP, False, id="the domain in the middle"),
        pytest.param("evilgooglebot.com", IP, False, id="a domain that sounds like it"),
        pytest.param("proxy.google.com", IP, False, id="a fetcher that anybody can send"),
        pytest.param("1.bc.googleusercontent.com", IP, False, id="a customer of their cloud"),
        pytest.param(
            [f"n{number}.evil.org" for number in range(900)] + [HOST], IP, False, id="too many names"
        ),
        pytest.param("", IP, False, id="an empty name"),
        pytest.param("\0.googlebot.com", IP, False, id="a name with a NUL"),
        pytest.param(UNKNOWN_HOST, IP, False, id="no name"),
        pytest.param(NO_DATA, IP, False, id="no name of that kind"),
        pytest.param(UnicodeDecodeError("idna", b"\xff", 0, 1, "odd"), IP, False, id="bytes"),
        pytest.param(TRY_AGAIN, IP, None, id="no answer for the address"),
        pytest.param(HOST, NAME_AGAIN, None, id="no answer for the name"),
        pytest.param(TimeoutError(), IP, None, id="out of time"),
    ],
)
def test_the_name_must_be_theirs_and_lead_back(
    monkeypatch: pytest.MonkeyPatch, reverse: Any, forward: Any, is_theirs: object
) -> None:
    hosts = (HOST, "googlebot.com.evil.org", "evilgooglebot.com")
    dns = DNS(monkeypatch, {IP: reverse}, dict.fromkeys(hosts, forward))
    assert look_up(ADDRESS, GOOGLE).is_theirs is is_theirs
    assert len(dns.asked) <= 2


def test_an_address_of_ipv6_is_looked_up_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    DNS(monkeypatch, {"2001:4860:4801:10::1": HOST}, {HOST: "2001:4860:4801:0010:0:0:0:1"})
    assert look_up(ip_address("2001:4860:4801:10::1"), GOOGLE).is_theirs
    assert not look_up(ip_address("2001:4860:4801:10::2"), GOOGLE).is_theirs


def test_an_ipv4_address_written_as_ipv6_is_asked_for_as_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dns = DNS(monkeypatch, {IP: HOST}, {HOST: IP})
    mapped = read(f"::ffff:{IP}")
    assert mapped is not None
    assert look_up(mapped, GOOGLE).is_theirs
    assert dns.asked[0] == IP


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "fe80::1", "::1", "100.64.0.1"])
def test_nobody_is_asked_about_addresses_of_a_house(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    dns = DNS(monkeypatch, {address: HOST}, {HOST: address})
    assert look_up(ip_address(address), GOOGLE) == Finding("", is_theirs=False)
    assert dns.asked == []


def test_an_engine_without_names_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    dns = DNS(monkeypatch, {IP: "crawl.duckduckgo.com"}, {"crawl.duckduckgo.com": IP})
    assert not look_up(ADDRESS, BY_NAME["duckduckgo"]).is_theirs
    assert dns.asked == []


def settle() -> None:
    """Wait until all that was asked is answered."""
    for thread in threading.enumerate():
        if thread.name.startswith("crawler-"):
            thread.join(10)
            assert not thread.is_alive()


class Watch:
    """A clock for durations."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Memory:
    """Names that ask `answer`, and wait for it when told to."""

    def __init__(self, answer: Callable[[Address, Engine], bool | None]) -> None:
        self.watch = Watch()
        self.asked: list[Address] = []
        self._answer = answer
        self.names = Names(self._look_up, self.watch)

    def _look_up(self, address: Address, engine: Engine) -> Finding:
        self.asked.append(address)
        return Finding("", self._answer(address, engine))

    def says(self, address: Address = ADDRESS) -> bool:
        """What is known now; then wait until all that was asked is answered."""
        said = self.names.is_theirs(address, GOOGLE)
        settle()
        return said


def test_the_first_request_is_a_visitors_and_the_next_a_crawlers() -> None:
    memory = Memory(lambda *_: True)
    assert [memory.says() for _ in range(3)] == [False, True, True]
    assert memory.asked == [ADDRESS]


@pytest.mark.parametrize(
    ("first", "then", "after", "asked", "said"),
    [
        # Verified for a day, then asked anew, and believed meanwhile.
        (True, True, DAY - 1, 1, [True, True]),
        (True, True, DAY, 2, [True, True]),
        (True, False, DAY, 2, [True, False]),
        # Refused for an hour.
        (False, True, HOUR - 1, 1, [False, False]),
        (False, True, HOUR, 2, [False, True]),
        # No answer: asked again in minutes.
        (None, True, AGAIN - 1, 1, [False, False]),
        (None, True, AGAIN, 2, [False, True]),
        # Who was verified is believed while the DNS is down, to an end.
        (True, None, DAY, 2, [True, True]),
        (True, None, BELIEVED - 1, 2, [True, True]),
        (True, None, BELIEVED, 2, [False, False]),
    ],
)
def test_an_answer_is_remembered_for_its_time(
    *, first: bool | None, then: bool | None, after: float, asked: int, said: list[bool]
) -> None:
    answers = [first, then, then]
    memory = Memory(lambda *_: answers.pop(0))
    memory.says()
    memory.watch.now += after
    assert [memory.says(), memory.says()] == said
    assert len(memory.asked) == asked


def test_belief_does_not_grow_while_the_dns_is_down() -> None:
    answers: list[bool | None] = [True]
    memory = Memory(lambda *_: answers.pop() if answers else None)
    memory.says()
    memory.watch.now += DAY
    while memory.watch.now < 1000 + BELIEVED:
        assert memory.says()
        memory.watch.now += AGAIN
    assert not memory.says()


def test_a_look_up_that_breaks_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> bool:
        raise ValueError("odd")

    memory = Memory(broken)
    assert [memory.says(), memory.says()] == [False, False]
    assert len(memory.asked) == 1


def test_a_dns_that_hangs_holds_no_request_and_no_more_than_its_threads() -> None:
    let_go = threading.Event()
    memory = Memory(lambda *_: let_go.wait(10))
    before = threading.active_count()
    began = time.monotonic()
    for number in range(names.WAITING + 100):
        assert not memory.names.is_theirs(ip_address(f"66.249.{number // 256}.{number % 256}"), GOOGLE)
        assert not memory.names.is_theirs(ip_address("66.249.0.0"), GOOGLE)
    assert time.monotonic() - began < 5
    assert threading.active_count() <= before + names.THREADS
    assert len(memory.names._waiting) <= names.WAITING
    let_go.set()
    memory.says()
    assert len(set(memory.asked)) == len(memory.asked)
    assert threading.active_count() <= before


def test_no_flood_of_liars_pushes_a_crawler_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "REMEMBERED", 10)
    memory = Memory(lambda address, _: address == ADDRESS)
    memory.says()
    for number in range(50):
        memory.says(ip_address(f"20.0.0.{number}"))
    assert memory.names.is_theirs(ADDRESS, GOOGLE)
    assert len(memory.names._others) == 10
    assert memory.asked.count(ADDRESS) == 1


def test_verified_for_one_engine_is_not_verified_for_another() -> None:
    memory = Memory(lambda _, engine: engine is GOOGLE)
    memory.says()
    assert memory.says()
    assert not memory.names.is_theirs(ADDRESS, BY_NAME["bing"])
    memory.says()
    assert not memory.names.is_theirs(ADDRESS, BY_NAME["bing"])


def test_without_a_thread_to_spare_it_is_asked_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(lambda *_: True)
    start = threading.Thread.start

    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    assert not memory.names.is_theirs(ADDRESS, GOOGLE)
    monkeypatch.setattr(threading.Thread, "start", start)
    memory.says(ip_address("66.249.66.2"))
    assert memory.names.is_theirs(ADDRESS, GOOGLE)
