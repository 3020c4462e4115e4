"""The real thing: the demo's web processes and its worker, started and stopped as `make run` does."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent
START = 60.0
STOP = 20.0


class Server:
    """`url` is its address, without a slash at the end; `data` is its folder."""

    def __init__(self, data: Path, **environ: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = data / "output.txt"
        self._environ = environ

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when readers are let in."""
        environ = {**os.environ, "PAYWALL_DATA_DIR": str(self.data), "PAYWALL_RATE_LIMITS": "false"}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "paywall.demo", "--port", str(self.port)],
                cwd=ROOT,
                env=environ | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that a Ctrl-C at the test run does not reach it behind our back.
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
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise AssertionError(f"did not stop in {STOP:.0f} s:\n{self.output()}") from None

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

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the demo did not start:\n{self.output()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port() -> int:
    """A port that nobody listens at, at least a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
