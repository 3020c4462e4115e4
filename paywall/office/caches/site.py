"""A site of our own for the cache test: the demo, in a folder and at a port of its own."""

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from paywall.config import PREFIX, ROOT
from paywall.errors import Unavailable
from paywall.office.caches import proxies

START, STOP = 90.0, 20.0
# Not even a file of settings beside the code may lead to another database.
GIVEN = {
    "SANDBOX": "true",
    "DATABASE_URL": "",
    "QUEUE_URL": "",
    "UPSTREAM": "",
    "RATE_LIMITS": "false",
    "RATE_LIMIT_URL": "memory://",
    "METER_VISITOR_READS": "2",
}


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address and its settings as an environment, while it runs. Raises Unavailable."""
    port = proxies.free_port()
    url = f"http://{proxies.HOST}:{port}"
    own = GIVEN | {"SITE_URL": url, "DATA_DIR": str(folder / "data"), "SECRET_KEY": secrets.token_hex(32)}
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environ = others | {f"{PREFIX}{name}": value for name, value in own.items()}
    place = folder / "site.txt"
    with place.open("w") as output:
        command = (sys.executable, "-m", "paywall.demo", "--port", str(port))
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )
        try:
            _wait(process, url, place)
            yield url, environ
        finally:
            proxies.stop(process, STOP)


def _wait(process: "subprocess.Popen[bytes]", url: str, output: Path) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310  # our own address
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Unavailable(f"The site for the test did not start:\n{output.read_text(errors='replace').strip()}")
