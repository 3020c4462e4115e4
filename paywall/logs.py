"""How a line of the log looks: one event with its request's id, and never a secret or an address."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.types import Processor

from paywall.config import Settings

HIDDEN = "[hidden]"
SECRET_WORDS = ("password", "passwd", "token", "secret", "authorization", "cookie", "api_key", "signature")
ADDRESS = re.compile(r"[^\s@<>\"'=]+@[^\s@<>\"',;]+\.[^\s@<>\"',;]+")
# Their everyday lines say nothing that ours do not.
QUIET = ("huey", "werkzeug", "alembic", "stripe", "markdown_it")


def configure(settings: Settings) -> None:
    """Send all lines, ours and those of libraries, to standard error in the format of the settings."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*_common(), *_rendered(settings.log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    _libraries(settings.log_format, level)


def hide(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Blank what is secret by its name, and every e-mail address wherever it stands."""
    for key, value in event.items():
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = HIDDEN
        elif isinstance(value, str) and "@" in value:
            event[key] = ADDRESS.sub(HIDDEN, value)
    return event


class _Lines:
    """Writes to standard error as it is now, which the test runner and servers exchange."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = exception = fatal = log = msg


class _StandardError(logging.StreamHandler[TextIO]):
    """As _Lines, for the lines of libraries."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # looked up anew for each line
        return sys.stderr


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


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
