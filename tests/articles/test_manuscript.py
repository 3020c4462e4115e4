"""What is wrong with a manuscript that no form and no file format can see."""

import pytest

from paywall.articles.manuscript import MOST_OPEN_TAGS, Manuscript, faults


@pytest.mark.parametrize(
    ("body", "is_refused"),
    [
        ("<blockquote>" * MOST_OPEN_TAGS + "deep", False),
        ("<blockquote>" * (MOST_OPEN_TAGS + 1) + "deep", True),
        ("<ul><li>" * MOST_OPEN_TAGS, True),
        ("<p>short</p>" * 5000, False),
        ("a<br>" * 5000, False),
        ("</p>" * 5000 + "<i>x</i>", False),
        ("1 < 2 and <3 " * 5000, False),
    ],
)
def test_tags_within_tags_have_an_end(body: str, *, is_refused: bool) -> None:
    found = [fault.message for fault in faults(Manuscript("a", "A", "City", body, is_html=True))]
    assert found == (["has more than 1000 tags that are not closed: close them"] if is_refused else [])
