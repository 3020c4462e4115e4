"""What is for sale: products and prices (https://docs.stripe.com/api/products, /api/prices)."""

from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import Condition, page

_PRODUCT = (
    "active",
    "description",
    "id",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "type",
    "unit_label",
    "url",
)
_PRICE = ("active", "lookup_key", "nickname", "tax_behavior")


def create_product(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/products"""
    facts = {"active": True, "type": "service", "updated": books.now, "metadata": {}}
    product = merge(facts, params, _PRODUCT)
    if "id" in params and books.get(params["id"]):
        raise invalid("Product already exists.", "id", "resource_already_exists")
    product = books.add("product", product)
    books.emit("product.created", product)
    if "default_price_data" in params:
        price = new_price(books, {**params["default_price_data"], "product": product["id"]})
        product["default_price"] = price["id"]
        books.save(product)
    return product


def retrieve_product(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/products/:id"""
    return books.find("product", id)


def update_product(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/products/:id"""
    product = books.find("product", id)
    if params.get("default_price"):
        books.find("price", params["default_price"], "default_price")
    return _update(books, product, params, (*_PRODUCT, "default_price"))


def delete_product(books: Books, id: str, _: Doc) -> Doc:
    """DELETE /v1/products/:id, refused while it has prices."""
    product = books.find("product", id)
    if books.all("price", parent=id):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    books.remove(id)
    books.emit("product.deleted", product)
    return {"id": id, "object": "product", "deleted": True}


def list_products(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/products"""
    where = {name: params.get(name) for name in ("active", "shippable", "type", "url")}
    return page(books, "product", "/v1/products", params, where=where, also=_among("id", params.get("ids")))


def create_price(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/prices"""
    if "product_data" in params:
        product = create_product(books, "", params["product_data"])
        params = {**{k: v for k, v in params.items() if k != "product_data"}, "product": product["id"]}
    if "product" not in params:
        raise invalid("You must specify either `product` or `product_data` when creating a price.", "product")
    return new_price(books, params)


def new_price(books: Books, params: Doc) -> Doc:
    """A price of an existing product; also for `price_data` in a line item."""
    books.find("product", params["product"], "product")
    amount = _amount(params)
    facts = {
        "active": True,
        "billing_scheme": "per_unit",
        "metadata": {},
        "tax_behavior": "unspecified",
        **merge({}, params, (*_PRICE, "product")),
        "currency": params["currency"].lower(),
        "recurring": _recurring(params.get("recurring")),
        "type": "recurring" if "recurring" in params else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    _claim_lookup_key(books, params)
    price = books.add("price", {**facts, "metadata": metadata(params.get("metadata"))})
    books.emit("price.created", price)
    return price


def retrieve_price(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/prices/:id"""
    return books.find("price", id)


def update_price(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/prices/:id"""
    price = books.find("price", id)
    _claim_lookup_key(books, params)
    return _update(books, price, params, _PRICE)


def list_prices(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/prices"""
    where = {name: params.get(name) for name in ("active", "currency", "type")}
    where |= {f"recurring.{name}": value for name, value in params.get("recurring", {}).items()}
    keys = _among("json_extract(body, '$.lookup_key')", params.get("lookup_keys"))
    return page(books, "price", "/v1/prices", params, parent=params.get("product"), where=where, also=keys)


def sellable(books: Books, price_id: str, param: str) -> Doc:
    """A price that can still be bought. Raises for an archived price or product."""
    price = books.find("price", price_id, param)
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param)
    if not books.find("product", price["product"])["active"]:
        raise invalid("The price specified belongs to a product that is inactive.", param)
    return price


def _update(books: Books, doc: Doc, params: Doc, modelled: tuple[str, ...]) -> Doc:
    before = books.render(doc)
    merge(doc, params, modelled)
    if doc["object"] == "product":
        doc["updated"] = books.now
    books.save(doc)
    books.emit(f"{doc['object']}.updated", doc, before)
    return doc


def _amount(params: Doc) -> int:
    if "unit_amount" in params:
        return int(params["unit_amount"])
    decimal = params.get("unit_amount_decimal")
    if decimal is None:
        raise invalid("You must specify either `unit_amount` or `unit_amount_decimal`.", "unit_amount")
    if not str(decimal).isdigit():
        raise invalid("The sandbox takes whole minor units only.", "unit_amount_decimal")
    return int(decimal)


def _recurring(given: Doc | None) -> Doc | None:
    return {"interval_count": 1, "usage_type": "licensed", **given} if given else None


def _claim_lookup_key(books: Books, params: Doc) -> None:
    key = params.get("lookup_key")
    if not key:
        return
    sql = "SELECT body FROM objects WHERE kind = 'price' AND json_extract(body, '$.lookup_key') = ?"
    for holder in books.rows(sql, (key,)):
        if not params.get("transfer_lookup_key"):
            raise invalid(f"A price (`{holder['id']}`) already uses that lookup key.", "lookup_key")
        books.save({**holder, "lookup_key": None})


def _among(column: str, values: list[str] | None) -> list[Condition]:
    if values is None:
        return []
    return [(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))]
