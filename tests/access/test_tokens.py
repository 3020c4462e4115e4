"""Secret addresses: what makes one, what it opens, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.access.tokens import LARGEST_ID, TOKEN, Purpose, fits, make, new_nonce, read

SECRET, NONCE = "a key for tests only, long enough", "0" * 32
IDS = st.integers(1, LARGEST_ID)
GOOD = make(SECRET, Purpose.FEED, 17, NONCE)


@given(row_id=IDS, nonce=st.text(), secret=st.text(min_size=1), purpose=st.sampled_from(Purpose))
def test_a_token_names_its_row_and_fits_it(row_id: int, nonce: str, secret: str, purpose: Purpose) -> None:
    token = make(secret, purpose, row_id, nonce)
    assert TOKEN.fullmatch(token)
    assert read(token) == row_id
    assert fits(token, secret, purpose, row_id, nonce)


@pytest.mark.parametrize(
    ("secret", "purpose", "row_id", "nonce"),
    [
        (SECRET + "!", Purpose.FEED, 17, NONCE),
        (SECRET, Purpose.GIFT, 17, NONCE),
        (SECRET, Purpose.FEED, 18, NONCE),
        (SECRET, Purpose.FEED, 17, "1" * 32),
    ],
)
def test_a_token_fits_nothing_else(secret: str, purpose: Purpose, row_id: int, nonce: str) -> None:
    assert not fits(GOOD, secret, purpose, row_id, nonce)


@pytest.mark.parametrize(
    "token",
    [
        GOOD.replace("17-", "017-"),
        GOOD.upper(),
        GOOD + " ",
        GOOD + "\n",
        GOOD[:-1],
        "17-",
        "17-é",
        GOOD.replace("17", "18"),
    ],
)
def test_a_token_has_one_spelling(token: str) -> None:
    assert not fits(token, SECRET, Purpose.FEED, 17, NONCE)


SEAL = "a" * 40


@pytest.mark.parametrize(
    "row_id", ["", "0", "-1", "017", "1.5", "x", "\u0661\u0667", str(LARGEST_ID + 1), "1" * 30]
)
def test_a_token_names_a_row_that_can_be(row_id: str) -> None:
    assert read(f"{row_id}-{SEAL}") is None


@pytest.mark.parametrize(
    "text", ["", "-", "17", "17-", f"17-{SEAL}a", f"17-{SEAL}\n", "17-" + "g" * 40, "17-" + "A" * 40]
)
def test_what_is_no_token_names_no_row(text: str) -> None:
    assert read(text) is None


@given(text=st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert read(text) is None or TOKEN.fullmatch(text)
    assert not fits(text, SECRET, Purpose.FEED, 17, NONCE)


def test_each_nonce_is_new() -> None:
    assert len({new_nonce() for _ in range(100)}) == 100
    assert len(new_nonce()) == 32
