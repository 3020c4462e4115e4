"""How a line of the log looks: one event with its request's id, and never a secret or an address."""

import logging
import re
import sys
import time
from collections import deque
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from json.encoder import encode_basestring_ascii
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread
from typing import Any, TextIO

import structlog
from structlog.types import Processor

from paywall import clock
from paywall.config import Settings

# Of the request that is being answered; its lines have it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

HIDDEN = "[hidden]"
# Writing lets go of Python's lock, and while others wait for it that takes longer than to answer. So where
# several threads serve, everyday lines wait so many seconds for one another, and no more than so many lines.
EVERY = 0.05
MOST = 10_000
SECRET_WORDS = ("password", "passwd", "token", "secret", "authorization", "cookie", "api_key", "signature")
ADDRESS = re.compile(r"[^\s@<>\"'=]+@[^\s@<>\"',;]+\.[^\s@<>\"',;]+")
# Their everyday lines say nothing that ours do not.
QUIET = ("huey", "werkzeug", "alembic", "stripe", "markdown_it")


def configure(settings: Settings) -> None:
    """Send all lines, ours and those of libraries, to standard error in the format of the settings."""
    global _threshold, _is_json
    level = logging.getLevelNamesMapping()[settings.log_level]
    _threshold, _is_json = level, settings.log_format == "json"
    structlog.configure(
        processors=[*_common(), *_rendered(settings.log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    _libraries(settings.log_format, level)


def request(*, method: str, path: str, status: int, ms: float, quietly: bool) -> None:
    """The line of a request that was answered.

    There is one for each, and structlog takes longer over it than the door over its answer; so it is put
    together here. `method` is none that a stranger made up.
    """
    level = "debug" if quietly else "info"
    if not _is_json or quietly:
        getattr(structlog.get_logger(), level)("request", method=method, path=path, status=status, ms=ms)
    elif _threshold <= logging.INFO:
        shown = encode_basestring_ascii(ADDRESS.sub(HIDDEN, path) if "@" in path else path)
        at = clock.wall().isoformat().replace("+00:00", "Z")
        _batch.add(
            f'{{"method": "{method}", "path": {shown}, "status": {status}, "ms": {ms}, "event": "request", '
            f'"request_id": "{request_id.get()}", "level": "info", "timestamp": "{at}"}}'
        )


def in_batches() -> None:
    """Let everyday lines wait for one another from now on, in this process."""
    if not _batch.is_open:
        _batch.open()


def hide(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Blank what is secret by its name, and every e-mail address wherever it stands."""
    for key, value in event.items():
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = HIDDEN
        elif isinstance(value, str) and "@" in value:
            event[key] = ADDRESS.sub(HIDDEN, value)
    return event


class _Batch:
    """Lines that wait to be written together, by a thread of its own that sleeps while there are none."""

    def __init__(self) -> None:
        self.is_open = False
        self._lines: deque[str] = deque()
        self._opening, self._writing, self._has_some = Lock(), Lock(), Event()

    def open(self) -> None:
        """Let lines wait from now on; at the end of the process the last ones are written."""
        with self._opening:
            if not self.is_open:
                self.is_open = True
                # Not atexit: web processes are children that multiprocessing made, and end without it.
                Finalize(None, self.write, exitpriority=0)
                Thread(target=self._write_now_and_then, name="log", daemon=True).start()

    def add(self, line: str) -> None:
        """Leave a line to be written soon, or write it if none may wait."""
        self._lines.append(line)
        if not self.is_open or len(self._lines) >= MOST:
            self.write()
        elif not self._has_some.is_set():
            self._has_some.set()

    def write(self) -> None:
        """Write all that waits, to standard error as it is now: the test runner and servers exchange it."""
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                sys.stderr.write("\n".join([*lines, ""]))

    def _write_now_and_then(self) -> None:
        while self._has_some.wait():
            time.sleep(EVERY)
            self._has_some.clear()
            self.write()


_batch = _Batch()
_threshold, _is_json = logging.INFO, True


class _Lines:
    """Where structlog leaves its lines. What is wrong is written at once, after what was said before it."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        _batch.add(line)

    def warning(self, line: str) -> None:
        _batch.add(line)
        _batch.write()

    debug = info = log = msg
    error = critical = exception = fatal = warning


class _StandardError(logging.StreamHandler[TextIO]):
    """As _Lines, for the lines of libraries."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # looked up anew for each line
        return sys.stderr


def _common() -> list[Processor]:
    return [
        _of_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _of_request(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    if found := request_id.get():
        event["request_id"] = found
    return event


def _rendered(log_format: str) -> list[Processor]:
    if log_format == "console":
        return [structlog.processors.format_exc_info, hide, structlog.dev.ConsoleRenderer(colors=False)]
    return [structlog.processors.format_exc_info, hide, structlog.processors.JSONRenderer()]


def _libraries(log_format: str, level: int) -> None:
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_common(), structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [*(old for old in root.handlers if not isinstance(old, _StandardError)), handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
