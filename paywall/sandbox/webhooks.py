"""Webhook endpoints, events and the account as the API shows them (https://docs.stripe.com/api/events)."""

from paywall.sandbox import destinations
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import Condition, page

_THIRTY_DAYS = 30 * 86_400


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/webhook_endpoints; only this answer shows the secret."""
    _check_url(params["url"])
    facts = {
        "api_version": params.get("api_version"),
        "description": params.get("description"),
        "enabled_events": params["enabled_events"],
        "metadata": metadata(params.get("metadata")),
        "status": "enabled",
        "url": params["url"],
        "_secret": books.ids.new("webhook_secret"),
    }
    endpoint = books.add("webhook_endpoint", facts)
    return {**endpoint, "secret": endpoint["_secret"]}


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/webhook_endpoints/:id"""
    return books.find("webhook_endpoint", id)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/webhook_endpoints/:id"""
    endpoint = books.find("webhook_endpoint", id)
    if "url" in params:
        _check_url(params["url"])
    merge(endpoint, params, ("description", "enabled_events", "url"))
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    return books.save(endpoint)


def delete(books: Books, id: str, _: Doc) -> Doc:
    """DELETE /v1/webhook_endpoints/:id; what waits for it is dropped."""
    books.find("webhook_endpoint", id)
    books.remove(id)
    books.db.execute("UPDATE deliveries SET state = 'failed' WHERE endpoint = ? AND state = 'pending'", (id,))
    return {"id": id, "object": "webhook_endpoint", "deleted": True}


def roll_secret(books: Books, id: str, overlap: int) -> str:
    """A new secret, as "Roll secret" of the dashboard makes; the old one signs too for `overlap` seconds."""
    endpoint = listener(books, id)
    endpoint["_rolled"] = {"secret": endpoint["_secret"], "until": books.now + overlap}
    endpoint["_secret"] = books.ids.new("webhook_secret")
    return str(books.save(endpoint)["_secret"])


def listener(books: Books, id: str) -> Doc:
    """A webhook endpoint, or a destination of thin events."""
    found = books.get(id)
    return books.find(
        destinations.KIND if found and found["object"] == destinations.KIND else "webhook_endpoint", id
    )


def list_endpoints(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/webhook_endpoints"""
    return page(books, "webhook_endpoint", "/v1/webhook_endpoints", params)


def retrieve_event(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/events/:id, for 30 days."""
    event = books.find("event", id)
    if event["created"] < books.now - _THIRTY_DAYS:
        raise invalid("Events are only available for 30 days.", "id", "resource_missing")
    return event


def list_events(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/events: of the last 30 days, by type (`invoice.*` works) and by delivery."""
    if len(params.get("types", [])) > 20:
        raise invalid("You can list up to 20 types.", "types")
    also: list[Condition] = [("created >= ?", (books.now - _THIRTY_DAYS,))]
    wanted = params.get("types") or ([params["type"]] if "type" in params else [])
    if wanted:
        tests = " OR ".join(["json_extract(body, '$.type') GLOB ?"] * len(wanted))
        also.append((f"({tests})", tuple(wanted)))
    if "delivery_success" in params:
        undelivered = "EXISTS (SELECT 1 FROM deliveries WHERE event = objects.id AND state != 'delivered')"
        also.append((f"NOT {undelivered}" if params["delivery_success"] else undelivered, ()))
    return page(books, "event", "/v1/events", params, also=also)


def account(_: Books, __: str, ___: Doc) -> Doc:
    """GET /v1/account"""
    return {
        "id": "acct_sandbox",
        "object": "account",
        "business_profile": {"name": "Sandbox"},
        "charges_enabled": True,
        "country": "DE",
        "created": 1_700_000_000,
        "default_currency": "eur",
        "details_submitted": True,
        "email": "account@example.org",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Sandbox"}},
        "type": "standard",
    }


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid"
        )
