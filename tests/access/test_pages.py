"""The page store: what was used last stays, up to a limit in bytes."""

from paywall.access.pages import Page, PageStore


def page(size: int) -> Page:
    return Page.of("200 OK", [], b"x" * size)


def test_keeps_and_gives_back() -> None:
    store = PageStore(100)
    assert store.get("a") is None
    store.put("a", page(10))
    assert store.get("a") == page(10)


def test_drops_what_was_not_used_for_longest() -> None:
    store = PageStore(30)
    for key in "abc":
        store.put(key, page(10))
    store.get("a")
    store.put("d", page(10))
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]
    assert store.size == 30


def test_counts_a_page_that_is_replaced_once() -> None:
    store = PageStore(30)
    store.put("a", page(10))
    store.put("a", page(20))
    assert store.size == 20
    store.clear()
    assert (store.size, store.get("a")) == (0, None)


def test_a_page_larger_than_the_store_is_not_kept() -> None:
    store = PageStore(5)
    store.put("a", page(10))
    assert (store.size, store.get("a")) == (0, None)


def test_the_tag_names_the_content() -> None:
    assert page(1).etag == page(1).etag != page(2).etag
