"""Health, readiness, metrics, the log line of a request, and the security headers."""

import json
import logging
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry, Histogram

from paywall import clock, jobs, logs, metrics, watch
from paywall.db import db
from paywall.mail import Letter
from tests.conftest import make_settings

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_health_asks_nothing_of_others(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"alive": True})


def test_ready_once_the_worker_was_seen(app: Flask, client: FlaskClient) -> None:
    before = client.get("/readyz")
    assert before.status_code == 503
    assert before.json is not None
    assert before.json["checks"]["worker"] == "never seen: run flask paywall worker"
    with app.app_context():
        watch.beat()
        watch.still_alive()
    after = client.get("/readyz")
    assert after.status_code == 200
    assert after.json == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "worker": "ok"},
        "notes": {"inbox": "0 waiting; 0 given up"},
    }
    assert after.headers["Cache-Control"] == "no-store"


def test_not_ready_when_the_worker_has_been_silent(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        long_ago = clock.wall() - timedelta(minutes=4)
        db.session.add(jobs.Heartbeat(name=jobs.WORKER, at=long_ago))
        db.session.commit()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["worker"] == f"last seen {long_ago:%Y-%m-%d %H:%M:%S} UTC"


def test_not_ready_when_the_schema_is_older_than_the_code(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["migrations"] == "run: flask db upgrade"


def test_not_ready_without_tables(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE heartbeat")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["worker"] == "the database does not answer as it should"


class TestMetrics:
    """What Prometheus reads, and who may read it."""

    def test_counts_requests_letters_and_jobs(self, app: Flask, client: FlaskClient) -> None:
        with app.app_context():
            db.session.add(Letter(kind="k", to="a@b.example", subject="s", text="t", html="h"))
            db.session.commit()
        client.get("/healthz", buffered=True)
        text = client.get("/metrics").text
        assert 'paywall_requests_total{endpoint="watch.healthz",method="GET",status="200"}' in text
        assert "paywall_letters_waiting 1.0" in text
        assert "paywall_jobs_queued" in text
        assert "paywall_inbox_oldest_seconds 0.0" in text

    @ONE_DATABASE
    def test_times_are_counted_as_the_library_does_it_one_by_one(self, client: FlaskClient) -> None:
        taken = [0.0, 0.001, 0.0011, 0.2, 0.2, 10.0, 99.5]
        theirs = Histogram("theirs", "Times.", buckets=metrics.QUICK, registry=CollectorRegistry())
        for seconds in taken:
            theirs.observe(seconds)
        metrics.answered([("told_apart", "GET", "200", seconds) for seconds in taken])
        ours = client.get("/metrics").text
        (family,) = theirs.collect()
        for one in family.samples:
            if not one.name.endswith("_created"):
                name = one.name.replace("theirs", "paywall_request_seconds")
                said = {"endpoint": "told_apart"} | one.labels
                labels = ",".join(f'{key}="{value}"' for key, value in said.items())
                assert f"{name}{{{labels}}} {one.value}\n" in ours

    @ONE_DATABASE
    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
    def test_a_forwarded_request_does_not_come_from_here(self, client: FlaskClient, header: str) -> None:
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403

    @ONE_DATABASE
    @pytest.mark.parametrize("address", ["192.0.2.7", "", "not an address"])
    def test_refused_from_elsewhere(self, client: FlaskClient, address: str) -> None:
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 403

    @ONE_DATABASE
    @pytest.mark.settings(metrics_token="a token for metrics")
    @pytest.mark.parametrize(
        ("given", "status"),
        [("Bearer a token for metrics", 200), ("Bearer another", 403), ("", 403), ("Bearer ж", 403)],
    )
    def test_with_a_token_only_by_the_token(self, client: FlaskClient, given: str, status: int) -> None:
        headers = {"Authorization": given.encode().decode("latin-1"), "X-Forwarded-For": "192.0.2.7"}
        assert client.get("/metrics", headers=headers).status_code == status

    @ONE_DATABASE
    def test_several_processes_count_together(
        self, client: FlaskClient, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path_factory.mktemp("counts")
        monkeypatch.setenv(metrics.FOLDER, str(folder))
        assert "paywall_letters_waiting 0.0" in client.get("/metrics").text


class TestRequestLine:
    """One line for each request: what a person needs to find it again, and nothing that is secret."""

    @ONE_DATABASE
    @pytest.mark.parametrize(
        ("given", "is_kept"),
        [("abc-123_DEF.4", True), ("short", False), ("x" * 65, False), ("with space 12", False), ("", False)],
    )
    def test_a_sane_id_is_kept(self, client: FlaskClient, given: str, is_kept: bool) -> None:  # noqa: FBT001
        answered = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        assert (answered == given) is is_kept
        assert watch.SANE_ID.fullmatch(answered)

    @ONE_DATABASE
    def test_says_what_was_asked_and_how_it_went(
        self, client: FlaskClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        client.get("/no-such-page?to=reader@a.example", headers={"X-Request-ID": "request-1"}, buffered=True)
        line = lines(capsys)[-1]
        assert line["event"] == "request"
        assert (line["method"], line["path"], line["status"]) == ("GET", "/no-such-page", 404)
        assert line["request_id"] == "request-1"
        assert line["ms"] > 0

    @ONE_DATABASE
    def test_a_long_path_is_cut_after_the_address_in_it_is_hidden(
        self, client: FlaskClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        start = "/section/" + "a" * 280
        client.get(f"{start}=reader@a.example" + "a" * 20_000, buffered=True)
        client.get("/section/@" + "a" * 20_000, buffered=True)
        shown = [line["path"] for line in lines(capsys)[-2:]]
        assert shown[0].startswith("/section/aaa")
        assert "reader" not in shown[0]
        assert [len(path) <= logs.LONGEST_PATH for path in shown] == [True, True]

    @ONE_DATABASE
    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("/confirm/a-secret", "/confirm/<token>"),
            ("/confirmm/a-secret", "/confirmm"),
            ("/feed/a-secret.rss", "/feed/<token>.rss"),
            ("/feed/a-secret", "/feed"),
        ],
    )
    def test_hides_the_secret_of_a_link(
        self, client: FlaskClient, capsys: pytest.CaptureFixture[str], path: str, shown: str
    ) -> None:
        client.get(path, buffered=True)
        said = capsys.readouterr().err
        assert "a-secret" not in said
        assert json.loads(said.splitlines()[-1])["path"] == shown

    @ONE_DATABASE
    @pytest.mark.settings(log_format="console")
    def test_on_a_console_it_is_for_people(
        self, client: FlaskClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        client.get("/no-such-page", buffered=True)
        said = capsys.readouterr().err
        assert "path=/no-such-page" in said
        assert not said.startswith("{")

    @ONE_DATABASE
    def test_secrets_and_addresses_stay_hidden(self, app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
        structlog.get_logger().warning("tried", password="p", api_key="k", who="ana@example.org", count=1)
        logging.getLogger("library").warning("sent to %s", "ana@example.org")
        ours, theirs = lines(capsys)
        assert (ours["password"], ours["api_key"], ours["who"], ours["count"]) == ("[hidden]",) * 3 + (1,)
        assert theirs["event"] == "sent to [hidden]"
        assert theirs["logger"] == "library"

    @ONE_DATABASE
    def test_an_error_outside_of_flask_is_logged_and_counted(
        self, app: Flask, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def broken(*_given: object) -> list[bytes]:
            raise ZeroDivisionError("for reader@example.org")

        with pytest.raises(ZeroDivisionError):
            watch.Watch(broken)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_given: None)  # type: ignore[arg-type]  # it never answers
        first, last = lines(capsys)
        assert "for [hidden]" in first["exception"]
        assert last["status"] == 500


class TestHeaders:
    """What each response tells the browser."""

    @ONE_DATABASE
    @pytest.mark.parametrize("path", ["/", "/no-such-page", "/static/paper.css", "/healthz"])
    def test_on_every_response(self, client: FlaskClient, path: str) -> None:
        headers = client.get(path, buffered=True).headers
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers

    @ONE_DATABASE
    @pytest.mark.settings(site_url="https://news.example")
    def test_https_is_held_to(self, client: FlaskClient) -> None:
        assert client.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"

    @ONE_DATABASE
    def test_forms_lead_to_stripe_only_with_a_real_key(self, app: Flask) -> None:
        real = make_settings(sandbox=False, stripe_secret_key="sk_test_1", smtp_url="smtp://127.0.0.1")
        policy = watch._headers(real)["Content-Security-Policy"]
        assert "form-action 'self' https://checkout.stripe.com https://billing.stripe.com;" in policy


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of the log so far."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lines_are_written_in_pieces_that_no_other_process_can_tear(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=written.append, flush=lambda: None))
    said = [f"{number} {'x' * 200}" for number in range(100)] + ["y" * 10_000, "last"]
    logs._write(said)
    assert "".join(written) == "".join(f"{line}\n" for line in said)
    assert all(len(piece) <= 4096 and piece.endswith("\n") for piece in written if "y" not in piece)
    assert len(written) < 10
