"""What differs between two texts: nothing of either is lost, and no size is too large."""

from hypothesis import given, settings
from hypothesis import strategies as st

from paywall.office.newsroom.differences import Change, Piece, words

LINES = st.lists(st.sampled_from(["one two", "two", "", "three  four", "five"]), max_size=12).map("\n".join)


@settings(max_examples=50)
@given(LINES, LINES)
def test_both_texts_can_be_read_from_it(before: str, after: str) -> None:
    found = words(before, after)
    skipped = [one for one in found if one.change is Change.SKIPPED]
    if not skipped:
        assert "".join(one.text for one in found if one.change is not Change.NEW) == before
        assert "".join(one.text for one in found if one.change is not Change.GONE) == after
    gone = "".join(one.text for one in found if one.change is Change.GONE)
    assert len(gone) <= len(before)
    assert (before == after) == all(one.change in {Change.SAME, Change.SKIPPED} for one in found)


def test_only_words_that_changed_are_marked_with_a_little_around() -> None:
    lines = [f"line {number}\n" for number in range(10)]
    found = words("".join(lines), "".join(lines).replace("line 5", "row 5"))
    assert found == [
        Piece("3", Change.SKIPPED),
        Piece("line 3\nline 4\n", Change.SAME),
        Piece("line", Change.GONE),
        Piece("row", Change.NEW),
        Piece(" 5\n", Change.SAME),
        Piece("line 6\nline 7\n", Change.SAME),
        Piece("2", Change.SKIPPED),
    ]


def test_a_long_passage_that_is_all_new_is_shown_as_a_whole() -> None:
    before, after = "a " * 3000, "b " * 3000
    assert words(before, after) == [Piece(before, Change.GONE), Piece(after, Change.NEW)]
