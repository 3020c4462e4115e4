"""A PostgreSQL server of the test run's own: started by the first test that needs it, gone with the run."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = "TESTS_POSTGRESQL_FOLDER"
SUPERUSER = "postgres"
# Of a folder's path, which a socket's must hold: the kernel takes 107 characters.
LONGEST = 90
OPTIONS = "-c listen_addresses='' -c max_connections=200 -c log_min_messages=fatal"
# Nothing of a test has to survive a power cut, so nothing waits for the disk.
QUICK = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off "
    "-c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0"
)
# What is measured waits for the disk as it would in earnest: PostgreSQL's own defaults.
DURABLE = ""


class NoPostgreSQL(Exception):
    """PostgreSQL's server programs are not installed."""


def prepare(options: str = QUICK, folder: Path | None = None) -> None:
    """Name the cluster's folder; the workers of a parallel run inherit the name, and so share the cluster.

    A `folder` that is given may hold a cluster already.
    """
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder or tempfile.mkdtemp(prefix="paywall-pg-"))
    (Path(os.environ[FOLDER]) / "options").write_text(options)


def can_keep(folder: Path) -> bool:
    """Whether a cluster can have its data and its socket there: root's own folders are closed to it."""
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    enter = [*_as_its_user(), "test", "-x", str(nearest)]
    return len(str(folder)) < LONGEST and subprocess.run(enter, check=False).returncode == 0


def url(database: str) -> str:
    """The SQLAlchemy address of a database of the cluster, which is started if it does not run yet."""
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "data" / "postmaster.pid").exists():
            _start(folder)
    return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={folder}"


def remove() -> None:
    """Stop the cluster if it was started, and remove its files."""
    shutil.rmtree(stop("immediate"), ignore_errors=True)


def stop(how: str = "fast") -> Path:
    """Stop the cluster if it was started; its files stay in the folder that is returned."""
    folder = Path(os.environ.pop(FOLDER))
    if (folder / "data" / "postmaster.pid").exists():
        _run("pg_ctl", "stop", "-m", how, "-w", "-D", str(folder / "data"))
    return folder


def _start(folder: Path) -> None:
    data = str(folder / "data")
    if os.geteuid() == 0:
        shutil.chown(folder, SUPERUSER)
    if not Path(data).exists():
        _run(
            "initdb",
            "-D",
            data,
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
    options = f"{OPTIONS} {(folder / 'options').read_text()} -c unix_socket_directories='{folder}'"
    _run("pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", str(folder / "log"), "-o", options)


def _run(program: str, *words: str) -> None:
    command = [*_as_its_user(), str(_programs() / program), *words]
    # pg_ctl's server keeps an inherited pipe open, so what is said goes to a file.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/", check=False
        )
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{program} failed: {said.read()}")


def _as_its_user() -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", SUPERUSER, "--"] if os.geteuid() == 0 else []


def _programs() -> Path:
    places = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(places, key=lambda found: int(found.parts[-3]), default=shutil.which("initdb"))
    if newest is None:
        raise NoPostgreSQL(
            "install Debian's postgresql package (make test does it), or give pytest --sqlite-only"
        )
    return Path(newest).parent
