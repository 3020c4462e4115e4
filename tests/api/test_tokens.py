"""Tokens: made once, shown once, good for what they say, until they end; counted, and never written down."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, update

from paywall import clock as ours
from paywall.accounts import limits
from paywall.accounts.models import Reader
from paywall.accounts.routes import may_enter
from paywall.api import callers
from paywall.api.models import ApiToken
from paywall.db import db
from tests.api.conftest import ROOT, Program, problem
from tests.articles.files import SECRET, publish
from tests.moving import MovingClock

Make = Callable[..., Program]
Run = Callable[..., Result]
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command of ours; its output."""
    return lambda *words: app.test_cli_runner().invoke(args=["paywall", "token", *words])


def test_a_token_is_made_used_listed_and_revoked(app: Flask, run: Run) -> None:
    assert run("list").output == "There is no token.\n"
    made = run("make", "Our CMS", "--scope", "articles:read", "--scope", "articles:write", "--by", "Eva")
    secret = made.output.split()[-1]
    assert secret.startswith("pw_")
    with app.app_context():
        publish()
    assert SECRET in Program(app, secret).get("/articles/the-house").json["html"]
    listed = run("list").output
    assert secret[:8] in listed
    assert secret not in listed
    assert f"Our CMS: articles:read, articles:write; by Eva, used {ours.now():%Y-%m-%d}, good" in listed
    assert "opens nothing any more" in run("revoke", "1").output
    problem(Program(app, secret).get("/articles/the-house"), 401)
    assert f"revoked {ours.now():%Y-%m-%d}" in run("list").output
    with app.app_context():
        row = db.session.scalars(select(ApiToken)).one()
        assert secret not in {str(getattr(row, column.key)) for column in ApiToken.__table__.columns}


@on_sqlite
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("make", "x", "--by", "Eva"), "Give scopes for a token of the newsroom, or a reader"),
        (("make", "x", "--by", "Eva", "--reader", "no@example.org"), "There is no reader no@example.org"),
        (("make", "x", "--by", "Eva", "--scope", "all"), "is not one of"),
        (("revoke", "7"), "There is no token 7."),
    ],
)
def test_a_command_that_cannot_be_done_says_why(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code != 0
    assert said in done.output


def test_a_token_runs_out_and_a_reader_who_is_shut_out_takes_theirs_along(
    app: Flask, program: Make, run: Run, clock: MovingClock
) -> None:
    with app.app_context():
        publish(gate="registered")
        db.session.add(Reader(email="ana@example.org"))
        db.session.commit()
    cms, ana = program("articles:read", days=2), program(reader="ana@example.org")
    assert SECRET in cms.get("/articles/the-house").text
    assert "good until" in run("list").output
    clock.advance(days=2)
    problem(cms.get("/articles/the-house"), 401)
    listed = run("list").output
    assert "expired" in listed
    assert "reads as ana@example.org" in listed
    assert SECRET in ana.get("/articles/the-house").text
    with app.app_context():
        db.session.execute(update(Reader).values(active=False))
        db.session.commit()
    problem(ana.get("/articles/the-house"), 401)


NO_TOKENS: tuple[str, ...] = (
    "",
    "Bearer",
    "Bearer ",
    "Bearer pw_wrong",
    "Basic {secret}",
    "{secret}",
    "Bearer {secret}x",
    "Bearer \xff",
)


@on_sqlite
def test_what_is_no_good_token_is_no_visitor_either(app: Flask, cms: Program) -> None:
    with app.app_context():
        publish(gate="public")
    for header in NO_TOKENS:
        given = {"Authorization": header.format(secret=cms.secret)}
        answer = Program(app).get("/articles/the-house", headers=given)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
        assert SECRET not in answer.text


@on_sqlite
def test_the_word_bearer_may_be_written_in_any_way(app: Flask, cms: Program) -> None:
    given = {"Authorization": f"bEARER  {cms.secret}"}
    assert Program(app).get("/articles", headers=given).status_code == 200


@on_sqlite
def test_without_a_token_whoever_needs_one_is_told_how(visitor: Program) -> None:
    answer = visitor.get("/access?article=x")
    assert "access:read" in problem(answer, 401)["detail"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@on_sqlite
def test_no_token_reaches_the_log(app: Flask, cms: Program, capsys: pytest.CaptureFixture[str]) -> None:
    @app.get(f"{ROOT}/broken")
    @may_enter("public")
    def broken() -> str:
        raise ZeroDivisionError

    assert cms.secret
    cms.get("/articles")
    cms.put("x", {})
    Program(app, f"{cms.secret}x").get("/articles")
    headers = {"Authorization": f"Bearer {cms.secret}"}
    assert cms.client.get(f"{ROOT}/broken", headers=headers).status_code == 500
    logged = capsys.readouterr().err
    assert "unhandled" in logged
    assert cms.secret not in logged


@pytest.fixture
def few(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Limits are on, and soon reached; each test starts from zero, and leaves zero behind."""
    monkeypatch.setattr(callers, "BY_ADDRESS", "4/minute")
    monkeypatch.setattr(callers, "BY_TOKEN", "6/minute")
    limits.limiter.reset()
    yield
    limits.limiter.reset()


@on_sqlite
@pytest.mark.settings(rate_limits=True)
@pytest.mark.usefixtures("few")
def test_an_address_has_its_share_and_bad_tokens_count(app: Flask, visitor: Program) -> None:
    bad = Program(app, "pw_wrong")
    asked = [visitor.get("/plans"), bad.get("/plans"), visitor.get("/articles"), bad.get("/")]
    assert [answer.status_code for answer in asked] == [200, 401, 200, 401]
    answer = visitor.get("/plans")
    problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    problem(bad.get("/plans"), 429)


@on_sqlite
@pytest.mark.settings(rate_limits=True)
@pytest.mark.usefixtures("few")
def test_a_token_is_counted_for_itself(visitor: Program, cms: Program, program: Make) -> None:
    assert [cms.get("/plans").status_code for _ in range(6)] == [200] * 6
    problem(cms.put("x", {}), 429)
    assert visitor.get("/plans").status_code == 200
    assert program("access:read").get("/plans").status_code == 200
