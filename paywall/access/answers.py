"""An answer of the site behind our door as it arrives: read only as far as it has to be, or not at all."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator

import structlog
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

# What a browser would read in another way than we do is not in it, such as UTF-7 and UTF-16.
READABLE = frozenset(
    {"utf-8", "cp1252", "koi8-r", "koi8-u"}
    | {f"cp125{number}" for number in range(9)}
    | {f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)}
)
CHARSET = re.compile(rb"""<meta[^>]*?charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
HEAD_END = re.compile(r"</head|<body", re.IGNORECASE)
GZIP = frozenset({"gzip", "x-gzip"})
PLAIN = frozenset({"identity", ""})
PRESCANNED = 1024

log = structlog.get_logger()


class Unreadable(Exception):
    """The body cannot be read as text: its compression, its charset, or it broke off."""


class TooLarge(Exception):
    """The body is longer than what we look at."""


class Answer:
    """Status and headers, and a body that can be looked at, up to `limit` bytes, and still be handed on."""

    def __init__(self, status: str, headers: Headers, chunks: Iterable[bytes], *, limit: int) -> None:
        self.status, self.headers = status, headers
        self._source = chunks
        self._chunks = iter(chunks)
        self._limit = limit
        self._raw: list[bytes] = []
        self._plain = bytearray()
        self._encoding = headers.get("Content-Encoding", "identity").strip().lower()
        self._gzip = zlib.decompressobj(wbits=31)
        self._is_whole = False
        self._broke_off: Exception | None = None
        # A part of a page tells neither its gate nor its marks.
        self._failure: Unreadable | TooLarge | None = Unreadable() if self.code == 206 else None

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])

    @property
    def kind(self) -> str:
        """The content type without its parameters, in small letters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def beginning(self) -> str:
        """The text up to the end of its head; raises Unreadable or TooLarge."""
        while not self._is_whole and not HEAD_END.search(self._text()):
            self._read()
        return self._text()

    def text(self) -> str:
        """All of its text; raises Unreadable or TooLarge."""
        while not self._is_whole:
            self._read()
        return self._text()

    def raw(self) -> Iterator[bytes]:
        """The body as it came and as it comes."""
        yield from self._raw
        if self._broke_off is not None:
            raise self._broke_off
        yield from self._chunks

    def close(self) -> None:
        """Let go of what is still to come."""
        if (close := getattr(self._source, "close", None)) is not None:
            close()

    def _read(self) -> None:
        """Read one more chunk; what has failed once fails again, for a part is not the whole."""
        if self._failure is not None:
            raise self._failure
        try:
            self._take(self._next())
        except (Unreadable, TooLarge) as failure:
            self._failure = failure
            raise

    def _next(self) -> bytes | None:
        try:
            return next(self._chunks, None)
        except Exception as failure:
            log.warning("answer_broke_off", error=str(failure))
            self._broke_off = failure
            raise Unreadable from failure

    def _take(self, chunk: bytes | None) -> None:
        if chunk is None:
            if self._encoding in GZIP and self._raw and not self._gzip.eof:
                raise Unreadable
            self._is_whole = True
            return
        self._raw.append(chunk)
        self._plain += self._unpacked(chunk)
        if len(self._plain) > self._limit:
            raise TooLarge

    def _unpacked(self, chunk: bytes) -> bytes:
        if self._encoding in GZIP:
            return self._unzipped(chunk)
        if self._encoding in PLAIN:
            return chunk
        raise Unreadable

    def _unzipped(self, chunk: bytes) -> bytes:
        found = bytearray()
        room = self._limit + 1
        try:
            while chunk and len(found) < room:
                if self._gzip.eof:
                    self._gzip = zlib.decompressobj(wbits=31)
                found += self._gzip.decompress(chunk, room)
                chunk = self._gzip.unconsumed_tail or self._gzip.unused_data
        except zlib.error as failure:
            raise Unreadable from failure
        return bytes(found)

    def _text(self) -> str:
        if self._plain.startswith(codecs.BOM_UTF8):
            return self._plain[len(codecs.BOM_UTF8) :].decode("utf-8", "replace")
        if self._plain.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise Unreadable
        return self._plain.decode(self._charset(), "replace")

    def _charset(self) -> str:
        stated = parse_options_header(self.headers.get("Content-Type"))[1].get("charset")
        if not stated:
            found = CHARSET.search(self._plain[:PRESCANNED])
            stated = found[1].decode("ascii", "replace") if found else "utf-8"
        try:
            name = codecs.lookup(stated).name
        except LookupError:
            raise Unreadable from None
        # What calls itself one of these two, browsers read as the third.
        name = "cp1252" if name in {"iso8859-1", "ascii"} else name
        if name not in READABLE:
            raise Unreadable
        return name
