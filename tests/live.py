"""The real thing: the demo's web processes and its worker, started and stopped as `make run` does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

ROOT = Path(__file__).parent.parent
START = 60.0
STOP = 20.0


class Running:
    """A server in processes of its own, at a free port of this machine.

    `command` is a Python module and its words; `{port}` in it is filled in. It runs in `folder` with
    `environ` as all of its environment, and what it prints is in `log`. `url` is its address, without a slash
    at the end.
    """

    patience = START

    def __init__(self, command: str, *, folder: Path, environ: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._words = command.format(port=self.port).split()
        self.environ = environ
        self._folder, self._log = folder, log

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._words],
                cwd=self._folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that what ends it reaches all of it, and what ends us nothing of it.
                process_group=0,
            )
        self._wait_until_ready()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Stop it and return its exit code; nothing of it is left afterwards."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop in {STOP:.0f} s:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL, for all of its processes in the same instant."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process that started the others."""
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def is_ready(self, status: int) -> bool:
        """Whether an answer of that status at /healthz shows that it has started."""
        return status == 200

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.patience
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self.output()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.is_ready(requests.get(f"{self.url}/healthz", timeout=5).status_code)
        except requests.RequestException:
            return False


class Server(Running):
    """The demo, with a past of so many `months`; `data` is its folder."""

    def __init__(self, data: Path, *, months: int = 0, **environ: str) -> None:
        self.data = data
        self.patience = START * (1 + months)
        given = {"PAYWALL_DATA_DIR": str(data), "PAYWALL_RATE_LIMITS": "false"}
        super().__init__(
            f"paywall.demo --port {{port}} --months {months}",
            folder=ROOT,
            environ={**os.environ, **given, **environ},
            log=data / "output.txt",
        )


def free_port() -> int:
    """A port that nobody listens at, at least a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
