"""A start that is broken off, or that a wrong setting or a broken file forbids, ends without a traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import ROOT, free_port

pytestmark = pytest.mark.server


@contextmanager
def start(data: Path, *command: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command of ours with this data folder; if it does not end by itself, it is ended by force."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PAYWALL_DATA_DIR": str(data), "PAYWALL_SECRET_KEY": "k" * 32},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_demo_stops_while_it_starts(tmp_path: Path) -> None:
    with start(tmp_path, "-m", "paywall.demo", "--port", str(free_port())) as demo:
        deadline = time.monotonic() + 30
        while not (tmp_path / "demo.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        demo.send_signal(signal.SIGINT)
        said = demo.communicate(timeout=30)[0]
    assert demo.returncode == 0
    assert "Traceback" not in said


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "paywall.sqlite3").write_text("a letter, not a database" * 100)
    with start(tmp_path, "-m", "paywall.demo", "--port", str(free_port())) as demo:
        said = demo.communicate(timeout=30)[0]
    assert (demo.returncode, said) == (
        1,
        f"paywall: cannot set up the demo in {tmp_path}: file is not a database\n",
    )


@pytest.mark.parametrize("command", [("-m", "flask", "paywall", "--help"), ("-c", "import wsgi")])
def test_on_a_server_a_missing_setting_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    with start(tmp_path, *command) as server:
        said = server.communicate(timeout=30)[0]
    assert server.returncode == 1
    assert said.startswith("paywall: PAYWALL_STRIPE_SECRET_KEY is missing")
    assert said.count("\n") == 1
