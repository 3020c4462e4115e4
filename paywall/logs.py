"""How a line of the log looks: one event with its request's id, and never a secret or an address."""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TextIO

import structlog
from structlog.types import Processor

from paywall.behind import Behind
from paywall.config import Settings

# Of the request that is being answered; its lines have it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

HIDDEN = "[hidden]"
# What other processes write to the same pipe cannot come into the middle of so many characters.
IN_ONE_PIECE = 4000
# A stranger's path is shown so far.
LONGEST_PATH = 300
SECRET_WORDS = ("password", "passwd", "token", "secret", "authorization", "cookie", "api_key", "signature")
# The first part is for speed alone: without it each letter of a long word is a new beginning.
ADDRESS = re.compile(r"(?<![^\s@<>\"'=])[^\s@<>\"'=]+@[^\s@<>\"',;]+\.[^\s@<>\"',;]+")
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


def request(*, method: str, path: str, status: str, ms: float, id: str, at: datetime, quietly: bool) -> None:
    """The line of a request that was answered; `quietly`: for who wants to see everything.

    There is one for each, and structlog takes longer over it than the door over its answer; so where nobody
    reads them as they come it is put together here. `method` and `id` are in no words of a stranger's own.
    """
    path = (ADDRESS.sub(HIDDEN, path) if "@" in path else path)[:LONGEST_PATH]
    if quietly or not _is_json:
        tell = structlog.get_logger().debug if quietly else structlog.get_logger().info
        tell("request", method=method, path=path, status=int(status), ms=ms, request_id=id)
    elif _threshold <= logging.INFO:
        shown = json.encoder.encode_basestring_ascii(path)
        _written.add(
            f'{{"method": "{method}", "path": {shown}, "status": {status}, "ms": {ms}, "event": "request", '
            f'"request_id": "{id}", "level": "info", "timestamp": "{at.isoformat()[:-6]}Z"}}'
        )


def hide(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Blank what is secret by its name, and every e-mail address wherever it stands."""
    for key, value in event.items():
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = HIDDEN
        elif isinstance(value, str) and "@" in value:
            event[key] = ADDRESS.sub(HIDDEN, value)
    return event


def _write(lines: list[str]) -> None:
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) >= IN_ONE_PIECE:
            _write_piece(piece)
            piece = ""
        piece += f"{line}\n"
    _write_piece(piece)


def _write_piece(piece: str) -> None:
    # As it is now: the test runner and servers exchange it.
    sys.stderr.write(piece)
    sys.stderr.flush()


_written = Behind(_write)
_threshold, _is_json = logging.INFO, True


class _Lines:
    """Where structlog leaves its lines. What is wrong is written at once, with the lines that wait."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        _written.add(line)

    def warning(self, line: str) -> None:
        _written.add(line)
        _written.catch_up()

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
        event.setdefault("request_id", found)
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
