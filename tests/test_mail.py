"""Letters over a real SMTP conversation: sent once, tried again, given up, and wiped once they are out."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from paywall import clock, create_app, jobs, mail
from paywall.config import Settings
from paywall.db import db
from paywall.mail import ATTEMPTS, CLAIM, Care, Letter, Unsent
from paywall.post import HandOver, Post
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


def write(app: Flask, to: str = "vera@example.org", cause: str | None = None, **given: Any) -> None:
    """Write a letter and commit it."""
    with app.app_context(), app.test_request_context():
        mail.write("password_changed", to, cause=cause, link="https://news.example/reset/key", **given)
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
    assert message["Message-ID"] == letter.message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@news\.example>", letter.message_id)
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
    assert letter.unsent is Unsent.GIVEN_UP
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


def killed() -> AbstractContextManager[HandOver]:
    """A post with which the worker is killed before it has said a word."""
    raise SystemExit


def take_and_kill(app: Flask) -> Post:
    """A post that brings the message to the server and is killed before it can say so."""
    real: Post = app.extensions["post"]

    @contextmanager
    def post() -> Iterator[HandOver]:
        with real() as hand_over:

            def take(message: EmailMessage) -> None:
                hand_over(message)
                raise SystemExit

            yield take

    return post


def test_killed_between_claim_and_hand_over_it_is_sent_after_the_claim(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], go_on: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(app, care=Care.ONCE)
    with monkeypatch.context() as killing:
        killing.setitem(app.extensions, "post", killed)
        with pytest.raises(SystemExit):
            send_waiting(app)
    go_on(CLAIM - timedelta(seconds=30))
    send_waiting(app)
    assert desk.mails == []
    go_on(timedelta(minutes=1))
    send_waiting(app)
    assert len(desk.mails) == 1
    assert letters()[0].attempts == 2


@pytest.mark.parametrize(
    ("care", "sent", "unsent"), [(Care.ONCE, 1, Unsent.IN_DOUBT), (Care.KEY, 2, None), (Care.NOTICE, 2, None)]
)
def test_killed_after_the_server_took_it_the_kind_of_letter_decides(
    app: Flask,
    desk: Desk,
    letters: Callable[[], list[Letter]],
    go_on: Pass,
    monkeypatch: pytest.MonkeyPatch,
    care: Care,
    sent: int,
    unsent: Unsent | None,
) -> None:
    write(app, care=care)
    with monkeypatch.context() as killing:
        killing.setitem(app.extensions, "post", take_and_kill(app))
        with pytest.raises(SystemExit):
            send_waiting(app)
    assert letters()[0].handed_at is not None
    for _ in range(3):
        go_on(2 * CLAIM)
        send_waiting(app)
    (letter,) = letters()
    assert (len(desk.mails), letter.unsent, letter.try_at) == (sent, unsent, None)
    assert {mail["Message-ID"] for mail in desk.mails} == {letter.message_id}


@pytest.mark.parametrize(("care", "sent"), [(Care.ONCE, 1), (Care.NOTICE, 2)])
def test_an_answer_that_never_came_is_a_doubt_too(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], go_on: Pass, care: Care, sent: int
) -> None:
    desk.hangs_up_after_taking = 1
    write(app, care=care)
    for _ in range(3):
        send_waiting(app)
        go_on(timedelta(minutes=10))
    (letter,) = letters()
    assert len(desk.mails) == sent
    assert (letter.unsent is Unsent.IN_DOUBT) == (care is Care.ONCE)
    assert (letter.sent_at is None) == (care is Care.ONCE)


def test_a_refusal_is_no_doubt(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], go_on: Pass
) -> None:
    desk.refusals = ["451 Come back later"]
    write(app, care=Care.ONCE)
    send_waiting(app)
    assert letters()[0].handed_at is None
    go_on(timedelta(minutes=3))
    send_waiting(app)
    assert len(desk.mails) == 1


def test_a_worker_that_was_thought_dead_hands_over_nothing(
    app: Flask, desk: Desk, go_on: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Post = app.extensions["post"]

    @contextmanager
    def hang() -> Iterator[HandOver]:
        with real() as hand_over:
            monkeypatch.setitem(app.extensions, "post", real)
            go_on(2 * CLAIM)
            send_waiting(app)
            yield hand_over

    monkeypatch.setitem(app.extensions, "post", hang)
    write(app)
    send_waiting(app)
    assert len(desk.mails) == 1


def test_a_letter_that_is_no_longer_true_is_not_sent_and_the_row_says_so(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mail._checks, "password_changed", lambda letter: letter.to != "eva@example.org")
    write(app, "eva@example.org")
    write(app, "vera@example.org")
    send_waiting(app)
    send_waiting(app)
    assert desk.tos == ["vera@example.org"]
    assert [letter.unsent for letter in letters()] == [Unsent.UNTRUE, None]
    assert [letter.text for letter in letters()] == ["", ""]


def test_a_letter_that_has_become_true_again_is_written_anew_and_sent_once(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = [False]
    monkeypatch.setitem(mail._checks, "password_changed", lambda _letter: truth[0])
    write(app, cause="one")
    send_waiting(app)
    assert letters()[0].unsent is Unsent.UNTRUE
    truth[0] = True
    for _ in range(3):
        write(app, cause="one")
        send_waiting(app)
    truth[0] = False
    write(app, cause="one")
    send_waiting(app)
    (letter,) = letters()
    assert (len(desk.mails), letter.unsent) == (1, None)


def test_a_check_that_breaks_holds_up_no_other_letter(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(letter: Letter) -> bool:
        return bool(1 // (letter.id - 1))

    monkeypatch.setitem(mail._checks, "password_changed", check)
    write(app, "eva@example.org")
    write(app, "vera@example.org")
    send_waiting(app)
    assert desk.tos == ["vera@example.org"]
    assert (letters()[0].error or "").startswith("ZeroDivisionError: ")


def test_a_letter_that_waited_too_long_is_not_sent(
    app: Flask, desk: Desk, letters: Callable[[], list[Letter]], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = clock.now()
    monkeypatch.setattr(clock, "_source", lambda: day)
    write(app, cause="early", send_by=day)
    write(app, cause="late", send_by=day - timedelta(seconds=1))
    assert [letter.unsent for letter in letters()] == [None, Unsent.LATE]
    monkeypatch.setattr(clock, "_source", lambda: day + timedelta(seconds=1))
    send_waiting(app)
    write(app, cause="late", send_by=day + timedelta(days=9))
    send_waiting(app)
    assert desk.mails == []
    assert [letter.unsent for letter in letters()] == [Unsent.LATE, Unsent.LATE]


def test_a_notice_keeps_its_words_as_the_proof(
    app: Flask, work: Callable[[], int], letters: Callable[[], list[Letter]]
) -> None:
    write(app, care=Care.NOTICE)
    work()
    (letter,) = letters()
    assert letter.sent_at is not None
    assert letter.handed_at is not None
    assert letter.handed_at <= letter.sent_at
    assert "reset/key" in letter.text


def test_many_who_write_at_the_same_instant_write_one_letter(
    app: Flask, letters: Callable[[], list[Letter]]
) -> None:
    together, failures = threading.Barrier(6), list[BaseException]()

    def writer() -> None:
        try:
            with app.app_context(), app.test_request_context():
                together.wait(10)
                for cause in ("one", "two", "three"):
                    mail.write("password_changed", "vera@example.org", cause=cause, link="")
                    db.session.commit()
        except BaseException as failure:  # of a thread nobody else sees it
            failures.append(failure)

    writers = [threading.Thread(target=writer) for _ in range(6)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(30)
    assert failures == []
    assert sorted(letter.cause or "" for letter in letters()) == ["one", "three", "two"]


def test_two_writers_whose_transactions_overlap_write_one_letter_even_if_the_first_gives_up(
    app: Flask, letters: Callable[[], list[Letter]]
) -> None:
    is_written, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with app.app_context(), app.test_request_context():
            mail.write("password_changed", "first@example.org", cause="one", link="")
            is_written.set()
            may_end.wait(10)
            db.session.rollback()

    def second() -> None:
        is_written.wait(10)
        threading.Timer(0.2, may_end.set).start()
        write(app, "second@example.org", "one")

    both = [threading.Thread(target=first), threading.Thread(target=second)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert [letter.to for letter in letters()] == ["second@example.org"]


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
