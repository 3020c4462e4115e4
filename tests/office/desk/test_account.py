"""The desk changes names and addresses, sends letters again, signs out, and shows what a reader sees."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.mail import Letter
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import link_in, press
from tests.articles.files import SECRET, publish
from tests.office.desk.conftest import Counter, Letters

# What these do to the tables, others do on both databases.
pytestmark = [pytest.mark.story, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def reader(counter: Counter) -> Reader:
    """The reader's row as it is now."""
    db.session.rollback()
    found = db.session.get_one(Reader, counter.reader_id, populate_existing=True)
    db.session.rollback()
    return found


def test_a_name_is_learned_from_the_card_and_changed_at_the_desk(counter: Counter) -> None:
    counter.shop.join()
    assert "<h1>A Reader</h1>" in counter.see()
    for _click in range(2):
        counter.do("/name", name=" José  O’Hara ")
    assert counter.trail() == ["name changed"]
    counter.sync()
    for asked in ("jose", "ohara", "hara jos", "JOSÉ"):
        answer = counter.browser.get(f"/staff/desk?q={asked}")
        assert ("José" in answer.text) is (asked != "ohara"), asked
    counter.do("/name", name="")
    assert "José" not in counter.browser.get("/staff/desk?q=jose").text.partition("<main")[2].replace(
        "jose", ""
    )


def test_an_address_is_changed_the_old_one_told_and_stripe_follows(
    app: Flask, counter: Counter, letters: Letters, work: Callable[[], int]
) -> None:
    held = counter.shop.join()
    before = reader(counter).fs_uniquifier
    form = counter.fill("/address", email=" New@Example.org ")
    assert "ana@example.org becomes new@example.org" in counter.send("/address", form).text
    form["confirmed"] = "yes"
    for _click in range(2):
        assert counter.send("/address", form).status_code == 303
    assert reader(counter).email == "new@example.org"
    assert reader(counter).confirmed_at is None
    assert reader(counter).fs_uniquifier != before
    assert counter.trail() == ["e-mail changed"]
    told, proof = letters()[-2:]
    assert (told.kind, told.to) == ("email_changed_notice", "ana@example.org")
    assert (proof.kind, proof.to) == ("confirm", "new@example.org")
    customer = counter.stripe().subscriptions.retrieve(held.external_id).customer
    assert counter.stripe().customers.retrieve(str(customer)).email == "new@example.org"
    page = counter.see()
    assert "address not proven" in page
    assert "Address changed; it was ana@example.org" in page
    assert "Welcome, and thank you" in page, "what was written to the address before is theirs still"
    assert counter.browser.get("/staff/desk?q=ana@example.org").location == counter.path()
    db.session.rollback()
    with app.app_context():
        assert press(app.test_client(), link_in(proof)).status_code == 303
    assert reader(counter).confirmed_at


def test_while_stripe_is_silent_an_address_is_changed_and_told_with_the_next_sync(counter: Counter) -> None:
    held = counter.shop.join()
    counter.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    counter.do("/address", email="new@example.org")
    counter.shop.sandbox.faults.clear()
    assert "Stripe did not answer" in counter.see()
    counter.sync()
    customer = counter.stripe().subscriptions.retrieve(held.external_id).customer
    assert counter.stripe().customers.retrieve(str(customer)).email == "new@example.org"


def test_no_address_is_taken_that_is_none_or_another_readers(counter: Counter) -> None:
    db.session.add(Reader(email="eva@example.org"))
    db.session.commit()
    form = {**counter.fill("/address"), "confirmed": "yes"}
    for email in ("", "nobody", "eva@example.org"):
        assert counter.send("/address", {**form, "email": email}).status_code in (200, 303)
    assert reader(counter).email == "ana@example.org"
    assert counter.trail() == []


def test_everybody_is_signed_out_once(counter: Counter) -> None:
    before = reader(counter).fs_uniquifier
    form = counter.fill("/sign-out")
    for _click in range(2):
        assert counter.send("/sign-out", form).status_code == 303
    assert reader(counter).fs_uniquifier != before
    assert counter.trail() == ["signed out"]


def test_a_letter_is_written_anew_where_it_can_be(
    counter: Counter, letters: Letters, work: Callable[[], int]
) -> None:
    counter.shop.join()
    work()
    welcome = next(letter for letter in letters() if letter.kind == "welcome")
    rest = f"/letter/{welcome.id}"
    assert "It is written anew" in counter.see(rest)
    form = counter.fill(rest)
    for _click in range(2):
        assert counter.send(rest, form).status_code == 303
    assert [letter.kind for letter in letters()] == ["welcome", "welcome"]
    work()
    assert letters()[-1].sent_at
    assert counter.trail() == ["letter sent again"]


@pytest.mark.parametrize("words", ["Dear Ana", ""])
def test_a_letter_that_cannot_be_written_anew_is_copied_while_we_have_its_words(
    counter: Counter, letters: Letters, words: str
) -> None:
    letter = Letter(kind="gift_ended", to="ana@example.org", subject="Over", text=words, html=words)
    letter.sent_at = ours.now()
    db.session.add(letter)
    db.session.commit()
    rest = f"/letter/{letters()[-1].id}"
    form = counter.fill(rest)
    for _click in range(2):
        assert counter.send(rest, form).status_code == 303
    db.session.rollback()
    copies = [letter.text for letter in letters() if letter.kind == "copy"]
    assert copies == ([words] if words else [])
    assert len(counter.trail()) == len(copies)


def test_an_invoice_is_sent_with_the_address_of_its_page(counter: Counter, letters: Letters) -> None:
    counter.shop.join()
    page = counter.see()
    rest = "/invoice/1"
    assert f"{counter.path()}{rest}" in page
    form = counter.fill(rest)
    for _click in range(2):
        assert counter.send(rest, form).status_code == 303
    written = [letter for letter in letters() if letter.kind == "invoice_copy"]
    assert len(written) == 1
    assert "€5" in written[0].text
    assert counter.trail() == ["invoice sent"]


def test_a_letter_to_somebody_else_is_not_found(counter: Counter, letters: Letters) -> None:
    db.session.add(Letter(kind="gift", to="eva@example.org", subject="Secret", text="x", html="x"))
    db.session.commit()
    assert counter.browser.get(counter.path(f"/letter/{letters()[-1].id}")).status_code == 404
    assert "Secret" not in counter.see()


def test_staff_see_what_the_reader_sees_and_can_press_nothing_there(counter: Counter) -> None:
    publish("bridge", gate="patrons")
    db.session.commit()
    seen = counter.see("/as/article?article=bridge")
    assert "As ana@example.org sees it." in seen
    assert SECRET not in seen
    counter.shop.join()
    assert SECRET in counter.see("/as/article?article=bridge")
    answer = counter.browser.get(counter.path("/as"))
    assert "Supporter" in answer.text
    assert "ana@example.org" in answer.text
    assert "membership@staff.example" not in answer.text
    assert "sandbox allow-same-origin" in answer.headers["Content-Security-Policy"]
    assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
    assert "csrf_token" not in answer.text
    assert "method=" not in answer.text
    assert counter.trail() == ["seen as reader"] * 3
    assert "membership@staff.example" in counter.browser.get("/account").text


def test_a_sync_reads_stripe_again(counter: Counter) -> None:
    session = counter.shop.begin()
    counter.shop.pay(session)
    db.session.rollback()
    token = counter.fill("/name")["csrf_token"]
    assert counter.send("/sync", {"csrf_token": token}).status_code == 303
    assert "Supporter" in counter.see()
    assert counter.trail() == ["synced"]
    assert db.session.scalar(select(Letter.kind)) == "welcome"
    db.session.rollback()
