"""Words: how they are compared, what a query asks for, and the piece of a text that answers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.articles.words import MOST_ASKED, MOST_BYTES, Piece, asked, fold, has_hit, snippet

TEXT = "The old stove stood in the yard. " * 5 + "Nobody came for it. " + "Then it rained. " * 20


@pytest.mark.parametrize(
    ("query", "phrases"),
    [
        ("", ()),
        ('  "" \' * ', ()),
        ("Town hall", (("town",), ("hall",))),
        ('"Town hall" roof', (("town", "hall"), ("roof",))),
        ('roof "Town hall', (("roof",), ("town", "hall"))),
        ("„Народно събрание“ 2026", (("народно", "събрание"), ("2026",))),
        ("e-mail don’t", (("e", "mail"), ("don", "t"))),
        ("roof ROOF Roof", (("roof",),)),
        ("title:roof OR NOT near(a)", (("title", "roof"), ("or",), ("not",), ("near", "a"))),
    ],
)
def test_what_a_query_asks_for(query: str, phrases: object) -> None:
    assert asked(query) == phrases


@given(st.text())
def test_a_query_is_words_and_never_too_many(query: str) -> None:
    phrases = asked(query)
    assert sum(map(len, phrases)) <= MOST_ASKED
    assert all(word and word.isalnum() for phrase in phrases for word in phrase)


@given(st.text())
def test_to_fold_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert all(word.isalnum() for word in once.split())


def test_a_letter_of_which_nothing_is_left_is_no_word() -> None:
    assert fold("a \uff9e b") == "a b"
    assert asked("\uff9e") == ()


def test_a_text_is_folded_as_far_as_can_be_kept() -> None:
    folded = fold("дума " * MOST_BYTES)
    assert MOST_BYTES - 10 < len(folded.encode()) <= MOST_BYTES
    assert set(folded.split()) == {"дума"}


@given(st.text(), st.text())
def test_a_snippet_is_a_part_of_the_text(text: str, query: str) -> None:
    pieces = snippet(text, asked(query))
    words = fold(*(piece.text for piece in pieces))
    assert f" {words} " in f" {fold(text)} " or not words


def test_a_snippet_stands_around_its_first_hit() -> None:
    pieces = snippet(TEXT, asked("nobody rained"))
    shown = "".join(piece.text for piece in pieces)
    assert shown.startswith("… yard. The old stove stood in the yard. Nobody came")
    assert shown.endswith(" …")
    assert Piece("Nobody", is_hit=True) in pieces
    assert Piece("rained", is_hit=True) in pieces


def test_a_phrase_is_marked_only_where_its_words_stand_in_a_row() -> None:
    pieces = snippet("The yard stove, the stove yard.", asked('"stove yard"'))
    assert [piece.text for piece in pieces if piece.is_hit] == ["stove", "yard"]
    assert pieces[0].text == "The yard stove, the "


def test_accents_and_case_of_the_text_are_kept() -> None:
    assert snippet("Café in Zu\u0308rich", asked("ZURICH")) == (
        Piece("Café in "),
        Piece("Zürich", is_hit=True),
    )


@pytest.mark.parametrize("text", ["", "…", "—!"])
def test_a_text_without_words_has_no_snippet(text: str) -> None:
    assert snippet(text, asked("x")) == ()


def test_without_a_hit_it_is_the_beginning() -> None:
    pieces = snippet(TEXT, asked("harbour"))
    assert not has_hit(pieces)
    assert pieces[0].text.startswith("The old stove")
