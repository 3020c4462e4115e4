"""Letters over a real SMTP conversation: sent once, tried again, given up, and wiped once they are out."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from paywall import clock, create_app, jobs, mail
from paywall.config import Settings
from paywall.db import db
from paywall.mail import ATTEMPTS, CLAIM, Letter
from tests.conftest import dispose, make_settings
from tests.desk import Desk, open_desk

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Pass = Callable[[timedelta], None]


@pytest.fixture
def desk() -> Iterator[Desk]:
    """The mail server, without TLS."""
    with open_desk(auth_require_tls=False) as desk:
        yield desk


@pytest.fixture
def settings(request: pytest.FixtureRequest, desk: Desk, database: str, tmp_path: Path) -> Settings:
    """Real settings with our mail server; `@pytest.mark.settings(smtp_url=...)`: {port} is the server's."""
    mark = request.node.get_closest_marker("settings")
    given: dict[str, Any] = {"smtp_url": "smtp://127.0.0.1:{port}"} | (mark.kwargs if mark else {})
    given["smtp_url"] = given["smtp_url"].format(port=desk.port)
    return make_settings(
        data_dir=tmp_path, database_url=database, sandbox=False, stripe_secret_key="sk_test_x", **given
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The product as on a server."""
    app = create_app(settings)
    yield app
    clock.use(None)
    dispose(app)


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Let the machine's own time go on, from which tries are counted."""
    real, ahead = clock._wall, timedelta()

    def pass_(how_long: timedelta) -> None:
        nonlocal ahead
        ahead += how_long
        monkeypatch.setattr(clock, "_wall", lambda: real() + ahead)

    return pass_


def write(app: Flask, to: str = "vera@example.org", cause: str | None = None) -> None:
    """Write a letter and commit it."""
    with app.app_context(), app.test_request_context():
        mail.write("password_changed", to, cause=cause, link="https://news.example/reset/key")
        db.session.commit()


def send_waiting(app: Flask) -> None:
    """What the worker does each minute."""
    with app.app_context():
        mail.send_waiting()


@pytest.mark.settings(site_name="Вестник, Ltd.", site_url="https://news.example")
def test_a_letter_is_sent_once_with_all_that_a_mail_needs(
    app: Flask, desk: Desk, work: Callable[[], int], letters: Callable[[], list[Letter]]
) -> None:
    write(app, "vera@example.org")
    assert desk.mails == []
    work()
    send_waiting(app)
    (message,) = desk.mails
    (letter,) = letters()
    assert (desk.froms, desk.tos) == (["news@news.example"], ["vera@example.org"])
    assert message["From"] == '"Вестник, Ltd." <news@news.example>'
    assert message["To"] == "vera@example.org"
    assert message["Subject"] == letter.subject == "Your password for Вестник, Ltd. was changed"
    assert message["Message-ID"] == f"<letter-{letter.id}@news.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert abs(message["Date"].datetime - clock.wall()) < timedelta(minutes=5)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for part in message.iter_parts():
        assert "https://news.example/reset/key" in part.get_content()


def test_once_it_is_out_our_copy_of_its_words_is_wiped(
    app: Flask, work: Callable[[], int], letters: Callable[[], list[Letter]]
) -> None:
    write(app)
    assert "reset/key" in letters()[0].text
    work()
    (letter,) = letters()
    assert (letter.text, letter.html) == ("", "")
    assert (letter.try_at, letter.error, letter.attempts) == (None, None, 1)
    assert letter.sent_at is not None


def test_a_rollback_takes_the_letter_back(app: Flask, desk: Desk, work: Callable[[], int]) -> None:
    with app.app_context(), app.test_request_context():
        mail.write("password_changed", "vera@example.org", link="")
        db.session.rollback()
        db.session.commit()
    assert work() == 0
    assert desk.mails == []


def test_one_cause_writes_one_letter(app: Flask, desk: Desk, work: Callable[[], int]) -> None:
    write(app, cause="welcome:1")
    write(app, cause="welcome:1")
    write(app, cause="welcome:2")
    work()
    write(app, cause="welcome:1")
    work()
    assert len(desk.mails) == 2


@pytest.mark.parametrize("refusal", ["451 Come back later", "550 Nobody of that name"])
def test_a_refused_letter_is_tried_again_later(
    app: Flask,
    desk: Desk,
    work: Callable[[], int],
    letters: Callable[[], list[Letter]],
    go_on: Pass,
    refusal: str,
) -> None:
    desk.refusals = [refusal]
    write(app)
    work()
    (letter,) = letters()
    assert letter.sent_at is None
    assert letter.error is not None
    assert refusal[4:] in letter.error
    assert letter.try_at is not None
    assert timedelta(minutes=1) < letter.try_at - clock.wall() <= timedelta(minutes=2)
    go_on(timedelta(minutes=1))
    send_waiting(app)
    assert desk.mails == []
    go_on(timedelta(minutes=2))
    send_waiting(app)
    (letter,) = letters()
    assert len(desk.mails) == 1
    assert (letter.error, letter.attempts, letter.text) == (None, 2, "")


def test_a_letter_that_never_gets_through_is_given_up(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], go_on: Pass
) -> None:
    desk.refusals = ["550 Nobody of that name"] * 100
    write(app)
    for _ in range(ATTEMPTS + 3):
        send_waiting(app)
        go_on(timedelta(days=1))
    (letter,) = letters()
    assert (letter.attempts, letter.try_at, letter.sent_at) == (ATTEMPTS, None, None)
    assert len(desk.refusals) == 100 - ATTEMPTS


@ONE_DATABASE
def test_a_letter_that_cannot_be_put_into_words_does_not_hold_up_the_others(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]]
) -> None:
    write(app, "no address")
    write(app)
    send_waiting(app)
    assert desk.tos == ["vera@example.org"]
    assert (letters()[0].error or "").startswith("InvalidHeaderDefect: ")


@ONE_DATABASE
@pytest.mark.settings(smtp_url="smtp://127.0.0.1:9")
def test_a_mail_server_that_is_away_loses_nothing(
    app: Flask, work: Callable[[], int], letters: Callable[[], list[Letter]]
) -> None:
    write(app)
    work()
    (letter,) = letters()
    assert (letter.error or "").startswith("ConnectionRefusedError: ")
    assert "reset/key" in letter.text


def test_killed_between_claim_and_sending_it_is_sent_after_the_claim(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], go_on: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(_letter: Letter) -> None:
        raise SystemExit

    write(app)
    with monkeypatch.context() as killing:
        killing.setitem(app.extensions, "post", kill)
        with pytest.raises(SystemExit):
            send_waiting(app)
    go_on(CLAIM - timedelta(seconds=30))
    send_waiting(app)
    assert desk.mails == []
    go_on(timedelta(minutes=1))
    send_waiting(app)
    assert len(desk.mails) == 1
    assert letters()[0].attempts == 2


def test_two_workers_send_one_letter_once(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]]
) -> None:
    write(app)
    letter_id = letters()[0].id
    together = threading.Barrier(4)

    def worker() -> None:
        with app.app_context():
            together.wait(10)
            mail.send(letter_id)

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
    assert len(desk.mails) == 1
    assert letters()[0].attempts == 1


def test_while_one_worker_sends_another_leaves_it_alone(app: Flask, desk: Desk) -> None:
    desk.before_taking = lambda: send_waiting(app)
    write(app)
    send_waiting(app)
    assert len(desk.mails) == 1


def test_the_newest_letters_come_first(app: Flask) -> None:
    write(app, "one@example.org")
    write(app, "two@example.org")
    with app.app_context():
        assert [letter.to for letter in mail.newest()] == ["two@example.org", "one@example.org"]
        assert [letter.to for letter in mail.newest(1)] == ["two@example.org"]


def test_a_lost_job_is_made_good_by_the_minute(app: Flask, desk: Desk) -> None:
    write(app)
    app.extensions["jobs"].flush()
    send_waiting(app)
    with app.app_context():
        assert db.session.scalars(select(Letter.sent_at)).one() is not None
    assert jobs.drain(app) == 0
    assert len(desk.mails) == 1
