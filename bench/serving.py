"""The real server, with one worker, started as docs/deploy.md does; and the death of it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from paywall.config import ROOT
from tests.live import free_port

START = 60.0
STOP = 20.0
SECRET = "whsec_bench"


class Server:
    """Granian with `application` on a free port of this machine; its log and its data are in `folder`."""

    def __init__(self, application: str, folder: Path, database_url: str = "") -> None:
        self.port = free_port()
        self._application = application
        self._folder = folder
        self._environ = environ(folder, database_url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers."""
        shutil.rmtree(self._environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
        Path(self._environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True)
        words = f"--interface wsgi --host 127.0.0.1 --port {self.port} --workers 1 --blocking-threads 4"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "granian",
                    *words.split(),
                    "--respawn-failed-workers",
                    self._application,
                ],
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that killing it reaches the worker too, and nobody else.
                process_group=0,
            )
        deadline = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, for the server and its worker in the same instant."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Let it end as an operator would; by force if it does not."""
        self._process.terminate()
        try:
            self._process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _answers(self) -> bool:
        try:
            return bool(requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code)
        except requests.RequestException:
            return False


def build(folder: Path, database_url: str) -> None:
    """Make the folder, and the schema by the command that operators use."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(command, cwd=folder, env=environ(folder, database_url), check=True, capture_output=True)


def environ(folder: Path, database_url: str) -> dict[str, str]:
    """The settings of a newsroom that takes real events; nothing of this shell's or of a .env file."""
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("PAYWALL_", "FLASK_"))
    }
    return others | {
        "PYTHONPATH": str(ROOT),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "PAYWALL_SECRET_KEY": "a key for figures only, long enough",
        "PAYWALL_DATA_DIR": str(folder),
        "PAYWALL_DATABASE_URL": database_url,
        "PAYWALL_STRIPE_SECRET_KEY": "sk_test_bench",
        "PAYWALL_STRIPE_WEBHOOK_SECRETS": SECRET,
        "PAYWALL_SMTP_URL": "smtp://127.0.0.1:9",
    }
