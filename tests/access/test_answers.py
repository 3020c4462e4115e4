"""A body that is read only as far as needed: gzip, charsets, limits, and what broke off."""

import gzip
from collections.abc import Iterator

import pytest
from werkzeug.datastructures import Headers

from paywall.access.answers import Answer, TooLarge, Unreadable

PAGE = "<!doctype html><title>Къща</title><body><p>Под стълбата.</p>"
LIMIT = 1000


def answer(*chunks: bytes, kind: str = "text/html", status: str = "200 OK", **headers: str) -> Answer:
    given = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, Headers(given), list(chunks), limit=LIMIT)


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r", "ISO-8859-5"])
def test_a_page_is_read_by_the_charset_of_its_header(charset: str) -> None:
    assert answer(PAGE.encode(charset), kind=f"text/html; charset={charset}").text() == PAGE


def test_without_one_by_what_it_says_itself() -> None:
    page = PAGE.replace("<title>", '<meta http-equiv=x content="text/html; charset=windows-1251"><title>')
    assert answer(page.encode("windows-1251")).text() == page
    assert answer(PAGE.encode()).text() == PAGE
    assert answer(b"\xef\xbb\xbf" + PAGE.encode(), kind="text/html; charset=koi8-r").text() == PAGE


def test_latin_1_is_read_as_browsers_do() -> None:
    assert answer("“one”".encode("cp1252"), kind="text/html; charset=iso-8859-1").text() == "“one”"


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "shift_jis", "hz", "made-up", "rot13", "punycode"])
def test_a_charset_that_hides_what_is_markup_is_not_read(charset: str) -> None:
    with pytest.raises(Unreadable):
        answer(b"<p>one", kind=f"text/html; charset={charset}").text()


def test_utf_16_is_seen_by_its_first_bytes() -> None:
    with pytest.raises(Unreadable):
        answer(PAGE.encode("utf-16")).beginning()


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_gzip_is_read_in_whatever_pieces_it_comes_and_handed_on_as_it_came(step: int) -> None:
    packed = gzip.compress(PAGE.encode()[:30]) + gzip.compress(PAGE.encode()[30:])
    pieces = [packed[start : start + step] for start in range(0, len(packed), step)]
    found = answer(*pieces, Content_Encoding="gzip")
    assert found.text() == PAGE
    assert b"".join(found.raw()) == packed


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PAGE.encode(), mtime=0)[:-4], "gzip"),
        (gzip.compress(PAGE.encode(), mtime=0) + b"rubbish", "gzip"),
        (b"plain", "gzip"),
        (b"plain", "br"),
        (gzip.compress(PAGE.encode(), mtime=0), "gzip, gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_not_read_and_not_at_the_second_try_either(
    body: bytes, encoding: str
) -> None:
    found = answer(body, Content_Encoding=encoding)
    for _twice in range(2):
        with pytest.raises(Unreadable):
            found.text()
    assert b"".join(found.raw()) == body


def test_the_limit_counts_unpacked_bytes_and_holds_no_more_than_that() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    for found in (answer(bomb, Content_Encoding="gzip"), answer(b"0" * (LIMIT + 1))):
        for _twice in range(2):
            with pytest.raises(TooLarge):
                found.text()
        assert len(found._plain) <= LIMIT + 1
    assert answer(b"0" * LIMIT).text() == "0" * LIMIT


def test_only_the_head_is_read_where_that_is_enough() -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for chunk in (b"<title>", b"a</title></he", b"ad><body>", b"rest"):
            taken.append(chunk)
            yield chunk

    found = Answer("200 OK", Headers({"Content-Type": "text/html"}), chunks(), limit=LIMIT)
    assert found.beginning() == "<title>a</title></head><body>"
    assert b"rest" not in taken
    assert b"".join(found.raw()) == b"<title>a</title></head><body>rest"


def test_what_broke_off_is_not_taken_for_the_whole() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<p>one"
        raise ConnectionError("gone")

    found = Answer("200 OK", Headers({"Content-Type": "text/html"}), chunks(), limit=LIMIT)
    for _twice in range(2):
        with pytest.raises(Unreadable):
            found.text()
    with pytest.raises(ConnectionError):
        list(found.raw())


def test_a_part_of_a_page_is_not_read() -> None:
    found = answer(b"<p>one</p>", status="206 Partial Content")
    with pytest.raises(Unreadable):
        found.beginning()
    with pytest.raises(Unreadable):
        found.text()


def test_closing_lets_go_of_what_is_to_come() -> None:
    closed = []

    def chunks() -> Iterator[bytes]:
        try:
            yield b"one"
        finally:
            closed.append(True)

    found = Answer("200 OK", Headers(), source := chunks(), limit=LIMIT)
    next(source)
    found.close()
    answer(b"a list").close()
    assert closed == [True]
