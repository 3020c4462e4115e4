"""The real server, started as docs/deploy.md does, mostly with one worker; and the death of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paywall.config import ROOT
from paywall.server import THREADS
from tests.live import Running

PAGE = os.sysconf("SC_PAGE_SIZE")
SECRET = "whsec_bench"
SECRET_KEY = "a key for figures only, long enough"


class Server(Running):
    """Granian with `application`, its log and data in `folder`; `given` is more of its environment."""

    def __init__(
        self,
        application: str,
        folder: Path,
        database_url: str = "",
        given: Mapping[str, str] | None = None,
        *,
        workers: int = 1,
    ) -> None:
        super().__init__(
            f"granian --interface wsgi --host 127.0.0.1 --port {{port}} --workers {workers}"
            f" --blocking-threads {THREADS} --respawn-failed-workers {application}",
            folder=folder,
            environ=environ(folder, database_url) | dict(given or {}),
            log=folder / "server.log",
        )

    def start(self) -> None:
        """Start with counters at nothing, and return when it answers."""
        counters = Path(self.environ["PROMETHEUS_MULTIPROC_DIR"])
        shutil.rmtree(counters, ignore_errors=True)
        counters.mkdir(parents=True)
        super().start()

    def memory_mib(self) -> int:
        """The memory of the worker: of the server's processes the one that needs most."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return max(resident_mib(child) for child in children)

    def is_ready(self, status: int) -> bool:
        """Whatever it answers: the empty application has no page for it."""
        return bool(status)


def machine() -> dict[str, Any]:
    """What else a figure depends on."""
    return {"cores": os.cpu_count(), "load": [round(one, 1) for one in os.getloadavg()]}


def resident_mib(process: str = "self") -> int:
    """The memory of a process that is in use."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE // 2**20


def build(folder: Path, database_url: str) -> None:
    """Make the folder, and the schema by the command that operators use."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(command, cwd=folder, env=environ(folder, database_url), check=True, capture_output=True)


def environ(folder: Path, database_url: str) -> dict[str, str]:
    """The settings of a newsroom that takes real events; nothing of this shell's or of a .env file.

    Nor does it count which lines run if a test asks, which would slow it down.
    """
    not_ours = ("PAYWALL_", "FLASK_", "COVERAGE_")
    others = {name: value for name, value in os.environ.items() if not name.startswith(not_ours)}
    return others | {
        "PYTHONPATH": str(ROOT),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "PAYWALL_SECRET_KEY": SECRET_KEY,
        "PAYWALL_DATA_DIR": str(folder),
        "PAYWALL_DATABASE_URL": database_url,
        "PAYWALL_STRIPE_SECRET_KEY": "sk_test_bench",
        "PAYWALL_STRIPE_WEBHOOK_SECRETS": SECRET,
        "PAYWALL_SMTP_URL": "smtp://127.0.0.1:9",
    }
