"""A mail server of the test's own at a loopback port: keeps what it accepts, refuses what it is told to."""

import logging
import subprocess
from asyncio import WriteTransport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.live import free_port


@dataclass
class Desk:
    """`mails` are those accepted, `froms` and `tos` their envelopes, `logins` the names that came in.

    Each of `refusals`, such as "451 Come back later", answers one recipient instead of "250 OK". As many
    mails as `hangs_up_after_taking` says are kept, but the line is cut before the sender hears of it.
    """

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)
    froms: list[str] = field(default_factory=list)
    tos: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    hangs_up_after_taking: int = 0
    before_taking: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802  # the name by which aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """What the protocol's RCPT TO is answered."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # likewise
        """Keep the mail."""
        self.before_taking()
        content = envelope.content
        assert isinstance(content, bytes)
        assert isinstance(server.transport, WriteTransport)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.froms.append(envelope.mail_from or "")
        self.tos.extend(envelope.rcpt_tos)
        self.secured.append(server.transport.get_extra_info("cipher") is not None)
        if self.hangs_up_after_taking:
            self.hangs_up_after_taking -= 1
            server.transport.abort()
        return "250 Taken"

    def let_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: object
    ) -> AuthResult:
        """The password is the name turned round."""
        assert isinstance(who, LoginPassword)
        self.logins.append(who.login.decode())
        return AuthResult(success=who.password == who.login[::-1], handled=False)


@contextmanager
def open_desk(**given: Any) -> Iterator[Desk]:
    """Open a desk; `given` goes to aiosmtpd: tls_context for STARTTLS, ssl_context for TLS from the start."""
    desk = Desk()
    controller = Controller(desk, hostname="127.0.0.1", port=desk.port, authenticator=desk.let_in, **given)
    # It tells each line of the conversation, from a thread that outlives the test's capture.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller.start()
    try:
        yield desk
    finally:
        controller.stop()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key: two PEM files."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return certificate, key
