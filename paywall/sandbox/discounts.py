"""What makes it cheaper: coupons, promotion codes, and the discounts they become."""

from decimal import ROUND_HALF_UP, Decimal

from paywall.sandbox import terms
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid, resource_missing
from paywall.sandbox.pages import page
from paywall.sandbox.render import is_redeemable

_COUPON = (
    "amount_off",
    "applies_to",
    "currency",
    "duration",
    "duration_in_months",
    "id",
    "max_redemptions",
    "name",
    "percent_off",
    "redeem_by",
)
_CODE = ("active", "customer", "expires_at", "max_redemptions", "promotion", "restrictions")


def create_coupon(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/coupons"""
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must pass exactly one of `percent_off` or `amount_off`.", "percent_off")
    if "amount_off" in params and "currency" not in params:
        raise invalid("Must provide `currency` when using `amount_off`.", "currency")
    if not 0 < params.get("percent_off", 100) <= 100:
        raise invalid("`percent_off` must be greater than 0 and at most 100.", "percent_off")
    if "id" in params and books.get(params["id"]):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    duration = params.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in params):
        raise invalid("`duration_in_months` goes with a duration of `repeating`.", "duration_in_months")
    facts = {
        "id": books.ids.text(8),
        "duration": duration,
        "metadata": {},
        "times_redeemed": 0,
        "valid": True,
        **merge({}, params, _COUPON),
    }
    coupon = books.add("coupon", {**facts, "metadata": metadata(params.get("metadata"))})
    books.emit("coupon.created", coupon)
    return coupon


def retrieve_coupon(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/coupons/:id"""
    return books.find("coupon", id)


def delete_coupon(books: Books, id: str, _: Doc) -> Doc:
    """DELETE /v1/coupons/:id; running discounts keep it."""
    coupon = books.find("coupon", id)
    books.save({**coupon, "valid": False, "_deleted": True})
    books.db.execute("UPDATE objects SET kind = 'deleted coupon' WHERE id = ?", (id,))
    books.emit("coupon.deleted", coupon)
    return {"id": id, "object": "coupon", "deleted": True}


def list_coupons(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/coupons"""
    return page(books, "coupon", "/v1/coupons", params)


def create_code(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/promotion_codes"""
    coupon = params["promotion"].get("coupon", "")
    if not books.find("coupon", coupon, "promotion[coupon]")["valid"]:
        raise resource_missing("coupon", coupon, "promotion[coupon]")
    code = params.get("code") or books.ids.text(8).upper()
    for other in books.all("promotion_code", parent=code.lower()):
        if other["active"]:
            raise invalid("An active promotion code with that code already exists.", "code")
    facts = {
        "active": True,
        "metadata": {},
        "restrictions": {"first_time_transaction": False},
        "times_redeemed": 0,
        **merge({}, params, _CODE),
        "code": code,
        "_key": code.lower(),
    }
    found = books.add("promotion_code", {**facts, "metadata": metadata(params.get("metadata"))})
    books.emit("promotion_code.created", found)
    return found


def retrieve_code(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/promotion_codes/:id"""
    return books.find("promotion_code", id)


def update_code(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/promotion_codes/:id"""
    found = books.find("promotion_code", id)
    before = books.render(found)
    books.save(merge(found, params, _CODE))
    books.emit("promotion_code.updated", found, before)
    return found


def list_codes(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/promotion_codes"""
    where = {"active": params.get("active"), "promotion.coupon": params.get("coupon")}
    return page(
        books,
        "promotion_code",
        "/v1/promotion_codes",
        params,
        customer=params.get("customer"),
        parent=params.get("code", "").lower(),
        where=where,
    )


def source_of(books: Books, given: Doc, param: str, products: set[str]) -> tuple[Doc, str | None]:
    """The coupon, and the promotion code's id if one was used. Raises when it is not to be had for these."""
    code_id = given.get("promotion_code")
    if code_id:
        code = books.find("promotion_code", code_id, f"{param}[promotion_code]")
        if not (code["active"] and is_redeemable(code, books.now)):
            raise invalid("This promotion code is not active.", f"{param}[promotion_code]")
        given = {"coupon": code["promotion"]["coupon"]}
    coupon = books.find("coupon", given.get("coupon", ""), f"{param}[coupon]")
    if not (coupon["valid"] and is_redeemable(coupon, books.now)):
        raise resource_missing("coupon", coupon["id"], f"{param}[coupon]")
    if not _applies(coupon, products):
        raise invalid("This coupon does not apply to any of the products.", param)
    return coupon, code_id


def grant(books: Books, subscription: Doc, given: Doc, session: str | None = None) -> str:
    """Give a subscription a discount; returns its id."""
    coupon, code = source_of(books, given, "discounts", _products(books, subscription))
    facts = {
        "checkout_session": session,
        "customer": subscription["customer"],
        "end": _end(books.now, coupon),
        "promotion_code": code,
        "source": {"type": "coupon", "coupon": coupon["id"]},
        "start": books.now,
        "subscription": subscription["id"],
        "_once": coupon["duration"] == "once",
    }
    discount = books.add("discount", facts)
    for redeemed in filter(None, (coupon["id"], code)):
        doc = books.get(redeemed) or {}
        books.save({**doc, "times_redeemed": doc["times_redeemed"] + 1})
    books.emit("customer.discount.created", discount)
    return str(discount["id"])


def amounts_off(books: Books, discount_ids: list[str], subtotal: int, products: set[str]) -> list[Doc]:
    """What each discount takes off, in minor units, never below zero in all."""
    off, left = [], subtotal
    for id in discount_ids:
        coupon = books.get(books.find("discount", id)["source"]["coupon"]) or {}
        amount = min(reduction(coupon, left), left) if _applies(coupon, products) else 0
        off.append({"amount": amount, "discount": id})
        left -= amount
    return off


def reduction(coupon: Doc, amount: int) -> int:
    """What one coupon takes off an amount, in minor units, rounded half up."""
    if coupon.get("percent_off"):
        exact = amount * Decimal(str(coupon["percent_off"])) / 100
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    return min(int(coupon.get("amount_off") or 0), amount)


def running(books: Books, subscription: Doc) -> list[str]:
    """The discounts that still count for a subscription's next invoice; those that have ended are dropped."""
    kept = [id for id in subscription["discounts"] if _runs(books, books.find("discount", id))]
    for id in set(subscription["discounts"]) - set(kept):
        books.emit("customer.discount.deleted", books.find("discount", id))
    if kept != subscription["discounts"]:
        subscription["discounts"] = kept
        books.save(subscription)
    return kept


def used(books: Books, subscription: Doc) -> None:
    """After an invoice: a discount for one invoice only is over."""
    for id in subscription["discounts"]:
        discount = books.find("discount", id)
        if discount["_once"]:
            books.save({**discount, "_used": True})


def _runs(books: Books, discount: Doc) -> bool:
    return not discount.get("_used") and (discount["end"] is None or discount["end"] > books.now)


def _applies(coupon: Doc, products: set[str]) -> bool:
    only = (coupon.get("applies_to") or {}).get("products")
    return only is None or not products.isdisjoint(only)


def _products(books: Books, subscription: Doc) -> set[str]:
    items = books.all("subscription_item", parent=subscription["id"])
    return {books.find("price", item["price"])["product"] for item in items}


def _end(now: int, coupon: Doc) -> int | None:
    return (
        terms.plus(now, "month", coupon["duration_in_months"]) if coupon["duration"] == "repeating" else None
    )
