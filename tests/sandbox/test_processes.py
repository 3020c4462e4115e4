"""Several processes on one file, some of them killed: the books stay whole."""

import contextlib
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from paywall.sandbox import Sandbox
from tests.sandbox.conftest import event_problems
from tests.sandbox.shop import Inbox, Shop, card

FORK = multiprocessing.get_context("fork")


def again(path: Path) -> Shop:
    """The same file, opened as another process would."""
    sandbox = Sandbox(path, public_url="http://127.0.0.1:8000")
    return Shop(sandbox, stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client()))


def run(work: Any, *args: Any, times: int = 1) -> list[Any]:
    """So many processes at once."""
    started = [FORK.Process(target=work, args=args) for _ in range(times)]
    for process in started:
        process.start()
    return started


def finish(processes: list[Any]) -> list[int]:
    """Their exit codes."""
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def path_of(shop: Shop) -> Path:
    """The file behind a shop."""
    return shop.sandbox._store._path


def pay(path: Path, session: str) -> None:
    assert again(path).sandbox.checkout.pay(session, card()).state == "complete"


def sign_up(path: Path) -> None:
    shop = again(path)
    for n in range(10):
        shop.v1.customers.create({"name": f"{os.getpid()}-{n}"}, {"idempotency_key": f"{os.getpid()}-{n}"})


def renew(path: Path) -> None:
    again(path).sandbox.advance(months=3)


def deliver(path: Path, heard: Path) -> None:
    def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        with heard.open("ab") as file:
            file.write(json.loads(body)["id"].encode() + b"\n")
        return 200

    again(path).sandbox.deliveries.deliver_due(post)


def test_state_survives_a_restart(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(months=1)
    reopened = again(path_of(shop))
    assert reopened.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert abs(reopened.sandbox.now() - shop.sandbox.now()) < timedelta(seconds=5)


def test_a_file_that_is_locked_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "stripe.db"
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.1, db.rollback).start()
    assert again(path).v1.products.list().data == []
    db.close()


def test_a_file_that_stays_locked_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywall.sandbox.store._BUSY_SECONDS", 0)
    with contextlib.closing(sqlite3.connect(tmp_path / "stripe.db")) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            again(tmp_path / "stripe.db")


def test_an_advance_is_seen_by_another_process_at_once(shop: Shop) -> None:
    other = again(path_of(shop))
    before = other.sandbox.now()
    other.sandbox.now()
    shop.sandbox.advance(by=timedelta(days=40))
    assert other.sandbox.now() - before > timedelta(days=39)


def test_two_processes_that_pay_one_session_pay_once(shop: Shop) -> None:
    session = shop.session()
    assert finish(run(pay, path_of(shop), session.id, times=4)) == [0] * 4
    assert len(shop.subscriptions()) == 1
    assert len(shop.v1.charges.list().data) == 1


def test_processes_that_write_at_once_lose_nothing(shop: Shop) -> None:
    assert finish(run(sign_up, path_of(shop), times=4)) == [0] * 4
    names = {c.name for c in shop.v1.customers.list({"limit": 100}).auto_paging_iter()}
    assert len(names) == 40


def test_processes_that_advance_at_once_renew_once(shop: Shop) -> None:
    shop.subscribe()
    target = shop.sandbox.now() + timedelta(days=100)
    assert finish(run(_advance_to, path_of(shop), target, times=3)) == [0] * 3
    invoices = shop.v1.invoices.list({"limit": 100}).data
    assert len(invoices) == 4
    assert abs(shop.sandbox.now() - target) < timedelta(seconds=20)


def _advance_to(path: Path, target: Any) -> None:
    again(path).sandbox.advance(to=target)


def test_processes_that_deliver_at_once_deliver_each_once(shop: Shop, tmp_path: Path) -> None:
    Inbox(shop)
    for _ in range(15):
        shop.v1.customers.create({})
    heard = tmp_path / "heard"
    assert finish(run(deliver, path_of(shop), heard, times=3)) == [0] * 3
    lines = heard.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 15


def test_a_process_killed_while_it_renews_leaves_whole_books(shop: Shop) -> None:
    for _ in range(4):
        shop.subscribe()
    chance = random.Random(7)
    for _ in range(6):
        (process,) = run(renew, path_of(shop))
        time.sleep(chance.uniform(0.02, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
    shop.sandbox.advance(months=1)
    _check_books(shop)


def _check_books(shop: Shop) -> None:
    db = sqlite3.connect(path_of(shop))
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()
    now = shop.sandbox.now().timestamp()
    for subscription in shop.subscriptions():
        item = subscription.items.data[0]
        assert item.current_period_start <= now < item.current_period_end
        invoices = shop.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data
        starts = [invoice.lines.data[0].period.start for invoice in invoices]
        assert len(starts) == len(set(starts))
        assert {i.status for i in invoices[1:]} <= {"paid"}
    created = [event.created for event in shop.all_events()]
    assert created == sorted(created)
    assert event_problems(shop.sandbox) == []


def test_a_process_killed_in_a_request_frees_its_key(shop: Shop) -> None:
    processes = run(sign_up, path_of(shop), times=3)
    time.sleep(0.05)
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    finish(processes)
    pid = processes[0].pid
    for n in range(10):
        shop.v1.customers.create({"name": f"{pid}-{n}"}, {"idempotency_key": f"{pid}-{n}"})
    names = [c.name for c in shop.v1.customers.list({"limit": 100}).auto_paging_iter()]
    assert len(names) == len(set(names))
