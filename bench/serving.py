"""The real server, with one worker, started as docs/deploy.md does; and the death of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from paywall.config import ROOT
from tests.live import Running

SECRET = "whsec_bench"


class Server(Running):
    """Granian with `application`; its log and its data are in `folder`."""

    def __init__(self, application: str, folder: Path, database_url: str = "") -> None:
        super().__init__(
            "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 4"
            f" --respawn-failed-workers {application}",
            folder=folder,
            environ=environ(folder, database_url),
            log=folder / "server.log",
        )

    def start(self) -> None:
        """Start with counters at nothing, and return when it answers."""
        counters = Path(self.environ["PROMETHEUS_MULTIPROC_DIR"])
        shutil.rmtree(counters, ignore_errors=True)
        counters.mkdir(parents=True)
        super().start()

    def is_ready(self, status: int) -> bool:
        """Whatever it answers: the empty application has no page for it."""
        return bool(status)


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
