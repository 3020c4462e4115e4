"""A large account, copied: the copies answer as any subscription does."""

from tests.sandbox.shop import Shop


def test_copies_are_listed_found_and_kept_apart(shop: Shop) -> None:
    original = shop.subscribe()
    shop.sandbox.copy(original.id, 250, first_reader=7)
    listed = list(shop.v1.subscriptions.list({"limit": 100}).auto_paging_iter())
    assert len({one.id for one in listed}) == 251
    copy = shop.v1.subscriptions.retrieve("sub_copy250", {"expand": ["customer"]})
    assert (copy.status, copy.items.data[0].price.id) == (original.status, original.items.data[0].price.id)
    assert copy.customer.id == "cus_copy250"
    assert copy.customer.metadata["reader_id"] == "256"
    assert [one.id for one in shop.v1.subscriptions.list({"customer": "cus_copy3"}).data] == ["sub_copy3"]


def test_the_clock_leaves_copies_alone(shop: Shop) -> None:
    shop.sandbox.copy(shop.subscribe().id, 3, first_reader=1)
    before = shop.v1.subscriptions.retrieve("sub_copy2").to_dict()
    shop.sandbox.advance(months=3)
    assert shop.v1.subscriptions.retrieve("sub_copy2").to_dict() == before
