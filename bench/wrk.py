"""Readers who come as fast as they are answered: wrk, over connections that stay open."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

CONNECTIONS = 16
SCRIPT = Path(__file__).parent / "readers.lua"


@dataclass(frozen=True)
class Crowd:
    """What is asked for in turn, and with which cookies; or each connection keeps what it is given."""

    paths: Sequence[str]
    cookies: Sequence[str] = field(default=())
    keeps_cookie: bool = False


@dataclass(frozen=True)
class Answered:
    """How a crowd was answered: how many requests in how many seconds, and their times in ms."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    errors: int

    @property
    def a_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Failed(Exception):
    """Some answers were errors, or there were none."""


def come(port: int, crowd: Crowd, seconds: float) -> Answered:
    """Let a crowd ask for so long; raises Failed if one answer was an error."""
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        command = [*_command(port, crowd, seconds), "--", *_files(crowd, Path(folder))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    answered = Answered(**json.loads(done.stdout.splitlines()[-1]))
    if answered.errors or not answered.requests:
        raise Failed(f"{answered} of {crowd.paths[0]}")
    return answered


def _command(port: int, crowd: Crowd, seconds: float) -> list[str]:
    # A thread of wrk has one memory: who keeps a cookie for each connection needs a thread for each.
    threads = CONNECTIONS if crowd.keeps_cookie else 1
    sizes = [f"-t{threads}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s"]
    return ["wrk", *sizes, "--latency", "-s", str(SCRIPT), f"http://127.0.0.1:{port}"]


def _files(crowd: Crowd, folder: Path) -> list[str]:
    paths, cookies = folder / "paths", folder / "cookies"
    paths.write_text("\n".join(crowd.paths))
    if crowd.keeps_cookie:
        return [str(paths), "keep"]
    cookies.write_text("\n".join(crowd.cookies))
    return [str(paths), str(cookies)]
