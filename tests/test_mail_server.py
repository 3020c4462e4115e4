"""How we speak to the mail server: by name and password, by STARTTLS or TLS, and never in the clear."""

import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from paywall import post as post_room
from tests.conftest import make_settings
from tests.desk import Desk, make_certificate, open_desk

MESSAGE = EmailMessage()
MESSAGE["From"], MESSAGE["To"], MESSAGE["Subject"] = "news@example.org", "vera@example.org", "Hello"
MESSAGE.set_content("Hello\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trusts this certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


@pytest.fixture
def plain() -> Iterator[Desk]:
    """A server without TLS, which takes passwords all the same."""
    with open_desk(auth_require_tls=False) as desk:
        yield desk


@pytest.fixture
def starttls(tls: ssl.SSLContext) -> Iterator[Desk]:
    """A server that wants STARTTLS."""
    with open_desk(tls_context=tls, require_starttls=True) as desk:
        yield desk


@pytest.fixture
def smtps(tls: ssl.SSLContext) -> Iterator[Desk]:
    """A server that speaks TLS from the first byte."""
    with open_desk(ssl_context=tls, auth_require_tls=False) as desk:
        yield desk


def post(url: str) -> None:
    """Send a message by the mail server at `url`."""
    app = Flask("paywall")
    post_room.init_app(app, make_settings(sandbox=False, stripe_secret_key="sk_test_x", smtp_url=url))
    with app.extensions["post"]() as hand_over:
        hand_over(MESSAGE)


def test_name_and_password_are_given(plain: Desk) -> None:
    post(f"smtp://n%40ws:sw%40n@127.0.0.1:{plain.port}")
    assert (plain.logins, len(plain.mails)) == (["n@ws"], 1)


def test_a_wrong_password_is_an_error(plain: Desk) -> None:
    with pytest.raises(OSError, match="535"):
        post(f"smtp://news:wrong@127.0.0.1:{plain.port}")
    assert plain.mails == []


def test_no_password_leaves_this_machine_in_the_clear(plain: Desk) -> None:
    with pytest.raises(OSError, match="the server offers no TLS: the password is not sent"):
        post(f"smtp://news:swen@0.0.0.0:{plain.port}")
    assert plain.logins == []
    post(f"smtp://0.0.0.0:{plain.port}")
    assert len(plain.mails) == 1


@pytest.mark.usefixtures("trusted")
def test_starttls_is_used_when_offered(starttls: Desk) -> None:
    post(f"smtp://news:swen@127.0.0.1:{starttls.port}")
    assert (starttls.secured, starttls.logins) == ([True], ["news"])


@pytest.mark.usefixtures("trusted")
def test_smtps_is_tls_from_the_first_byte(smtps: Desk) -> None:
    post(f"smtps://news:swen@127.0.0.1:{smtps.port}")
    assert (smtps.secured, smtps.logins) == ([True], ["news"])


def test_a_server_that_is_not_who_it_says_hears_nothing(starttls: Desk, smtps: Desk) -> None:
    for url in (f"smtp://news:swen@127.0.0.1:{starttls.port}", f"smtps://news:swen@127.0.0.1:{smtps.port}"):
        with pytest.raises(ssl.SSLCertVerificationError):
            post(url)
    assert starttls.logins == smtps.logins == []


@pytest.mark.parametrize(("url", "port"), [("smtp://127.0.0.1", 587), ("smtps://127.0.0.1", 465)])
def test_without_a_port_the_usual_one_is_asked(monkeypatch: pytest.MonkeyPatch, url: str, port: int) -> None:
    asked: list[int] = []

    def refuse(_self: object, _host: str, port: int, _timeout: float) -> SimpleNamespace:
        asked.append(port)
        raise ConnectionRefusedError

    monkeypatch.setattr("smtplib.SMTP._get_socket", refuse)
    monkeypatch.setattr("smtplib.SMTP_SSL._get_socket", refuse)
    with pytest.raises(ConnectionRefusedError):
        post(url)
    assert asked == [port]
