"""CSV for a spreadsheet: streamed, and no cell can be read as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# https://owasp.org/www-community/attacks/CSV_Injection
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows(header: Sequence[str], lines: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file, UTF-8 with the mark by which spreadsheets know it."""
    yield "\ufeff" + _line(header)
    for line in lines:
        yield _line(line)


def cell(value: object) -> str:
    """A value as text; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(DANGEROUS) else text


def _line(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell(value) for value in values])
    return buffer.getvalue()
