"""The web server on this machine: several processes of the whole product, as demo and `proxy` start it."""

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from paywall.config import ROOT

HOST = "127.0.0.1"
PROCESSES = 2
# Four may wait for Stripe while two read on; with more, each answer waits longer for Python's lock.
THREADS = 6


def serve(port: int, *, processes: int = PROCESSES) -> None:
    """Serve at `port` of this machine until told to stop; the settings come from the environment."""
    Granian(
        "paywall:create_app",
        factory=True,
        address=HOST,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=THREADS,
        workers_kill_timeout=3,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        working_dir=ROOT,
    ).serve()
