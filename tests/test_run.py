"""`make run` as a real process: it starts, starts again, stops wholly, and says in one line why it cannot."""

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from paywall.demo import process, run
from tests.conftest import SECRET
from tests.live import ROOT, Server, free_port

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has been started and stopped once."""
    folder = tmp_path_factory.mktemp("demo")
    with Server(folder):
        pass
    return folder


def test_starts_shows_the_paper_and_keeps_its_data(data: Path) -> None:
    key = data / "secret_key"
    before = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with Server(data) as server:
        wait_for(lambda: f"The paper is open:  {server.url}\n" in server.output())
        assert "patron@demo.example" in server.output()
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=10) as answer:
            assert answer.status == 200
        # The other process may have answered until now, and counts a moment later.
        wait_for(lambda: b"paywall_requests_total{" in read(f"{server.url}/metrics"))
    assert key.read_text() == before
    assert "Traceback" not in server.output()


def read(url: str) -> bytes:
    """What a page says."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        said: bytes = answer.read()
        return said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_leaves_nothing_behind(data: Path, how: signal.Signals) -> None:
    server = Server(data)
    server.start()
    family = descendants(server.pid)
    assert len(family) >= 4
    assert server.stop(how) == 0
    wait_for(lambda: not [pid for pid in family if is_alive(pid)])
    assert server.output().rstrip().endswith("Stopped.")


def test_killed_outright_it_takes_the_others_along(data: Path) -> None:
    server = Server(data)
    server.start()
    family = descendants(server.pid)
    server.stop(signal.SIGKILL)
    wait_for(lambda: not [pid for pid in family if is_alive(pid)])


@pytest.mark.parametrize("which", [0, 1])
def test_when_one_dies_the_other_is_stopped(data: Path, which: int) -> None:
    server = Server(data)
    server.start()
    wait_for(lambda: len(children(server.pid)) == 2)
    family = descendants(server.pid)
    os.kill(children(server.pid)[which], signal.SIGKILL)
    wait_for(lambda: server.ended() is not None)
    assert server.ended() == 1
    name = ("the web server", "the worker")[which]
    assert f"paywall: {name} has ended with exit code -9; everything is stopped" in server.output()
    wait_for(lambda: not [pid for pid in family if is_alive(pid)])


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in refused(tmp_path, port=port)


def test_the_same_data_twice(data: Path) -> None:
    with Server(data):
        assert "the demo runs already with the data folder" in refused(data)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PAYWALL_TEASER_WORDS", "many", "PAYWALL_TEASER_WORDS: "),
        ("PAYWALL_STRIPE_SECRET_KEY", "sk_live_1", "PAYWALL_SANDBOX is on beside PAYWALL_STRIPE_SECRET_KEY"),
        ("PAYWALL_DATABASE_URL", "sqlite:////no/such/folder/db", "cannot set up the demo"),
    ],
)
def test_a_broken_setting(tmp_path: Path, name: str, value: str, said: str) -> None:
    assert said in refused(tmp_path, environ={name: value})


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write to the data folder" in refused(tmp_path / "file" / "data")


def test_a_data_folder_in_which_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "metrics").touch()
    assert "cannot write to the data folder" in refused(tmp_path)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWALL_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=2**20))
    with pytest.raises(SystemExit, match=r"^paywall: only 1 MB are free at the data folder"):
        run.main(["--port", str(free_port())])


def test_ctrl_c_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(_port: int, *, months: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", pressed)
    run.main([])
    assert capsys.readouterr().out == "Stopped.\n"


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Give the test runner its answers to signals back."""
    before = {number: signal.getsignal(number) for number in (*process.STOP, signal.SIGCHLD)}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


def test_what_is_not_ready_in_time_is_stopped(own_signals: None) -> None:
    started: list[process.Program] = []

    def programs() -> list[process.Program]:
        started.append(process.Program("a program", signal.pause))
        return started

    with pytest.raises(process.Died, match="not ready in time"):
        process.keep_running(programs, is_ready=lambda: False, when_ready=lambda: None, start_seconds=0.3)
    assert started[0].ended() is not None


class TestWorker:
    """`flask paywall worker`, as the service on a server starts it."""

    def test_runs_until_it_is_told_to_stop(self, data: Path) -> None:
        before = heartbeat(data)
        with worker(data) as running:
            wait_for(lambda: heartbeat(data) > before)
            running.terminate()
            assert running.wait(20) == 0

    def test_without_a_schema_it_says_so_in_one_line(self, tmp_path: Path) -> None:
        with worker(tmp_path) as running:
            said = running.communicate(timeout=30)[1]
        assert running.returncode == 1
        assert said.startswith("Error: the database is not ready (flask db upgrade builds it): no such table")
        assert len(said.splitlines()) == 1


@contextmanager
def worker(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker of its own on the demo's data, gone in any case at the end."""
    environ = {"PAYWALL_DATA_DIR": str(data), "PAYWALL_SANDBOX": "true", "PAYWALL_SECRET_KEY": SECRET}
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "paywall", "worker"],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def heartbeat(data: Path) -> str:
    """When the worker was last seen, as text."""
    with closing(sqlite3.connect(data / "paywall.sqlite3")) as database:
        seen = database.execute("SELECT at FROM heartbeat").fetchone()
        return str(seen[0]) if seen else ""


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    done = start(tmp_path, port, {})
    assert done.returncode == 2
    assert f"{port!r} is not a port" in done.stderr


def refused(data: Path, *, port: int = 0, environ: Mapping[str, str] | None = None) -> str:
    """The one line with which a start is refused."""
    done = start(data, str(port or free_port()), environ or {})
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("paywall: ")
    return lines[0]


def start(data: Path, port: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start the demo where it cannot start."""
    return subprocess.run(
        [sys.executable, "-m", "paywall.demo", "--port", port],
        cwd=ROOT,
        env=os.environ | {"PAYWALL_DATA_DIR": str(data), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_for(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Return once it has happened; fail if it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that `pid` has started, oldest first."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())


def descendants(pid: int) -> list[int]:
    """Those, and theirs."""
    return [family for child in children(pid) for family in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be counted does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
