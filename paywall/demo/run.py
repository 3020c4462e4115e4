"""Runs the demo: migrates, seeds, starts web server and worker, and stops both when either or you say so."""

import argparse
import fcntl
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO
from urllib.error import URLError

import flask_migrate
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from paywall import create_app, jobs, metrics, server, watch
from paywall.config import ROOT
from paywall.demo import history
from paywall.demo.process import Program, keep_running
from paywall.demo.seed import DemoAccount, seed
from paywall.errors import PaywallError, WrongSetting
from paywall.server import HOST

NEEDED_MB = 100
START_SECONDS = 60
WELCOME = """
The paper is open:  {url}

Sign in as
{people}

What to try
  1. Open a locked article, sign up, and find your letter at {url}/sandbox/mails
  2. Become a patron with card 4242 4242 4242 4242, any later date, any CVC; the article then opens.
     4000 0000 0000 0002 is declined, 4000 0025 0000 3155 asks for 3-D Secure.
  3. Cancel on your account page, then move Stripe's clock a month on at {url}/sandbox
  4. As one of the staff, open {url}/staff
     It asks for the code of a phone as well: {url}/sandbox/phones shows it.

No card is charged, no mail leaves this machine. Ctrl-C stops everything.
"""


def main(words: Sequence[str] | None = None) -> None:
    """The command: exit code 0 after Ctrl-C or SIGTERM, 1 with one line of why for anything else."""
    parser = argparse.ArgumentParser(prog="python -m paywall.demo", description="Run the demo newsroom.")
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument(
        "--months", type=_months, default=0, help="let a new demo have a past of so many months"
    )
    given = parser.parse_args(words)
    try:
        run(given.port, months=given.months)
    except KeyboardInterrupt:
        print("Stopped.")
    except PaywallError as error:
        sys.exit(f"paywall: {error.message}")


def run(port: int, *, months: int = 0) -> None:
    """Run the demo at `port` until it is told to stop; raises a PaywallError when it cannot.

    A new demo gets a past of so many `months`; its readers are made up.
    """
    data = Path(os.environ.get("PAYWALL_DATA_DIR") or ROOT / "data").absolute()
    with closing(_reserve(data)):
        _must_be_free(port)
        _set_environment(data, port)
        accounts = _apart(data, months)
        url = f"http://{HOST}:{port}"
        keep_running(
            lambda: _programs(port),
            is_ready=lambda: _is_ready(url),
            when_ready=lambda: _welcome(url, accounts),
            start_seconds=START_SECONDS,
        )
        print("Stopped.", flush=True)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return int(text)


def _months(text: str) -> int:
    if not text.isdecimal() or int(text) > history.MOST_MONTHS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of months from 0 to {history.MOST_MONTHS}")
    return int(text)


def _reserve(data: Path) -> TextIO:
    """Hold the data folder: two demos on one folder would answer for each other's readers."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        held = (data / "demo.lock").open("a")
        free = shutil.disk_usage(data).free // 2**20
    except OSError as failure:
        raise WrongSetting(f"cannot write to the data folder {data}: {failure.strerror}") from None
    try:
        if free < NEEDED_MB:
            raise WrongSetting(f"only {free} MB are free at the data folder {data}: make room first")
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except WrongSetting:
        held.close()
        raise
    except OSError:
        held.close()
        raise WrongSetting(f"the demo runs already with the data folder {data}: stop it first") from None
    return held


def _must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as failure:
            raise WrongSetting(f"port {port} is taken ({failure.strerror}): try make run PORT=8001") from None


def _set_environment(data: Path, port: int) -> None:
    """What both processes inherit; a setting that you gave yourself stays."""
    os.environ.update(
        PAYWALL_SANDBOX="true", PAYWALL_SITE_URL=f"http://{HOST}:{port}", PAYWALL_DATA_DIR=str(data)
    )
    os.environ.setdefault("PAYWALL_PAUSES", "true")
    os.environ.setdefault("PAYWALL_LOG_FORMAT", "console")
    os.environ.setdefault("PAYWALL_LOG_LEVEL", "WARNING")
    try:
        if not os.environ.get("PAYWALL_SECRET_KEY"):
            os.environ["PAYWALL_SECRET_KEY"] = _secret_key(data / "secret_key")
        shutil.rmtree(data / "metrics", ignore_errors=True)
        (data / "metrics").mkdir()
    except OSError as failure:
        raise WrongSetting(f"cannot write to the data folder {data}: {failure.strerror}") from None
    metrics.count_in_files(data / "metrics")


def _secret_key(place: Path) -> str:
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return place.read_text()


def _apart(data: Path, months: int) -> tuple[DemoAccount, ...]:
    """Fill the database in a process of its own: those forked later must not inherit an open one."""
    heard, tell = get_context("fork").Pipe(duplex=False)
    filling = Program("the setup", lambda: tell.send(_filled(data, months)), without_us=signal.SIGKILL)
    tell.close()
    try:
        answer: tuple[DemoAccount, ...] | str = heard.recv()
    except EOFError:
        raise WrongSetting(f"cannot set up the demo in {data}: see above") from None
    finally:
        filling.make_sure(time.monotonic() + 5)
    if isinstance(answer, str):
        raise WrongSetting(answer)
    return answer


def _filled(data: Path, months: int) -> tuple[DemoAccount, ...] | str:
    """The demo's accounts, or the line that says why there are none."""
    try:
        return _fill(data, months)
    except PaywallError as error:
        return error.message


def _fill(data: Path, months: int) -> tuple[DemoAccount, ...]:
    try:
        app = create_app()
        with app.app_context():
            flask_migrate.upgrade()
            if months:
                history.begin(months)
                print(f"Playing what happened in {months} months: some seconds for each ...", flush=True)
            accounts = seed()
            if months:
                history.play()
            return accounts
    except (DBAPIError, CommandError, OSError) as failure:
        why = getattr(failure, "orig", None) or failure
        raise WrongSetting(f"cannot set up the demo in {data}: {why}") from None


def _programs(port: int) -> tuple[Program, ...]:
    return Program("the web server", lambda: server.serve(port)), Program("the worker", _work)


def _work() -> None:
    app = create_app()
    with app.app_context():
        watch.beat()
        jobs.run_worker(app)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310  # our own address
            return True
    except (URLError, OSError):
        return False


def _welcome(url: str, accounts: tuple[DemoAccount, ...]) -> None:
    width = max(len(account.email) for account in accounts)
    people = "\n".join(f"  {a.email:<{width}}  {a.password}  {a.who}" for a in accounts)
    print(WELCOME.format(url=url, people=people), flush=True)
