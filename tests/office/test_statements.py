"""Each answer of each route says who may keep it, and nothing of one reader may be kept by all."""

from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from paywall.office import asking
from paywall.office.asking import Answer, Ask, Send
from paywall.office.caches import judge, moments
from paywall.office.canaries import PATRON, READER, STAFF, STRANGER, Planted
from tests.articles.files import publish

NOTICE = "A notice for one visitor alone"
NOTIFIED = "visitor with a notice"
SIGNED_IN = {READER, PATRON, moments.CUT_OFF, STAFF}


@pytest.mark.story
@pytest.mark.settings(meter_visitor_reads=3)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_answer_of_each_route_says_who_may_keep_it(app: Flask) -> None:
    with app.app_context():
        publish()
    with app.app_context(), moments.planted() as (ready, people):
        people[NOTIFIED] = _notice(app)
        send = asking.in_process(app)
        wrong = [line for path in _paths(app, ready) for line in _wrong(path, people, send)]
        wrong += [line for ask in _other_methods(app, ready) for line in _wrong_for_staff(ask, people, send)]
    assert wrong == []


def test_what_is_misstated_is_named() -> None:
    public, private = ("Cache-Control", "public, max-age=60"), ("Cache-Control", "private, no-store")
    vary, cookie = ("Vary", "Accept, Cookie"), ("Set-Cookie", "paywall=x")

    def said(**headers: tuple[tuple[str, str], ...]) -> list[str]:
        return list(
            judge.misstated({who: Answer(200, given, who.encode()) for who, given in headers.items()})
        )

    assert said(a=(public, vary), b=(public, vary)) == []
    assert said(a=(public, vary), b=(private, cookie)) == []
    assert said(a=(public,)) == []
    assert said(a=()) == ["does not say to a who may keep it"]
    assert said(a=(public, cookie)) == ["may be kept by all, and sets a cookie for a"]
    assert said(a=(public,), b=(private,)) == ["differs by who asks, and its Vary does not say so to a"]


def _paths(app: Flask, ready: Planted) -> Iterator[str]:
    metered = next(canary for canary in ready.canaries if canary.kind == moments.METERED)
    for rule, methods in asking.rules_of(app):
        if "GET" in methods:
            yield asking.filled(rule, metered.slug, ready.section)
    yield from ("/static/paper.css", f"{metered.path}?gift=x", "/?gift=x", "/nowhere", "/article")


def _other_methods(app: Flask, ready: Planted) -> Iterator[Ask]:
    for rule, methods in asking.rules_of(app):
        for method in sorted(methods - {"GET", "HEAD"}):
            yield Ask("", asking.filled(rule, ready.canaries[0].slug, ready.section), method)


def _wrong(path: str, people: Mapping[str, str], send: Send) -> Iterator[str]:
    answers = {who: send(Ask("", path).by(cookie)) for who, cookie in people.items()}
    yield from (f"{path}: {said}" for said in judge.misstated(answers))
    shared = {who: answer for who, answer in answers.items() if judge.is_shareable(answer)}
    for who in SIGNED_IN & shared.keys():
        # What a reader gets is never for all, unless the route does not even look who asks.
        if shared[who].body != answers[STRANGER].body or "Cookie" in shared[who].header("Vary"):
            yield f"{path}: what the {who} gets may be kept by all"
    if NOTIFIED in shared and NOTICE.encode() in shared[NOTIFIED].body:
        yield f"{path}: a notice may be kept by all"


def _wrong_for_staff(ask: Ask, people: Mapping[str, str], send: Send) -> Iterator[str]:
    answer = send(ask.by(people[STAFF]))
    if not answer.header("Cache-Control") or (judge.is_shareable(answer) and ask.method != "OPTIONS"):
        yield f"{ask.method} {ask.path}: {answer.status} {answer.header('Cache-Control')}"


def _notice(app: Flask) -> str:
    interface = app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    signer = interface.get_signing_serializer(app)
    assert signer is not None
    return f"{interface.get_cookie_name(app)}={signer.dumps({'_flashes': [('message', NOTICE)]})}"
