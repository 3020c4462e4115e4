"""Readers who come as fast as they are answered: wrk, over connections that stay open."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CONNECTIONS = 16
SCRIPT = Path(__file__).parent / "readers.lua"


@dataclass(frozen=True)
class Crowd:
    """What is asked for in turn, and with which cookies in turn; "" is none."""

    paths: Sequence[str]
    cookies: Sequence[str] = ("",)


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
    sizes = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s"]
    return ["wrk", *sizes, "--latency", "-s", str(SCRIPT), f"http://127.0.0.1:{port}"]


def _files(crowd: Crowd, folder: Path) -> list[str]:
    paths, cookies = folder / "paths", folder / "cookies"
    paths.write_text("\n".join(crowd.paths))
    cookies.write_text("\n".join(crowd.cookies) + "\n")
    return [str(paths), str(cookies)]
