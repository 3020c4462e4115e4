"""An editor at the pages of the newsroom, without JavaScript."""

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser
from werkzeug.test import TestResponse, encode_multipart

SECRET = "The pearl lies under the third stair."
TEXT = f"Everybody knows the house.\n\n<!-- more -->\n\n{SECRET}"
STORY = {"title": "The house", "section": "City", "body": TEXT, "gate": "patrons"}
NEW = "/staff/articles/new"


def filled(page: str) -> dict[str, str | list[str]]:
    """The fields of the editor as the page gives them."""
    form = LexborHTMLParser(page).css_first(".editor-form")
    assert form is not None, page
    said: dict[str, str | list[str]] = {}
    for field in form.css("input, textarea, select"):
        name, kind = field.attributes.get("name"), field.attributes.get("type")
        if (
            not name
            or kind == "file"
            or (kind in {"checkbox", "radio"} and "checked" not in field.attributes)
        ):
            continue
        if field.tag == "textarea":
            said[name] = (field.text() or "").removeprefix("\n").removeprefix("\r\n")
        elif field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            said[name] = (chosen.attributes.get("value") or "") if chosen else ""
        elif kind == "checkbox":
            said[name] = [*said.get(name, []), field.attributes.get("value") or ""]
        else:
            said[name] = field.attributes.get("value") or ""
    return said


def press(client: FlaskClient, path: str, act: str = "save", **fields: Any) -> TestResponse:
    """Open the editor, write into its fields, and press a button."""
    said = filled(client.get(path).text)
    boundary, body = encode_multipart({**said, **fields, "act": act})
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def save(client: FlaskClient, path: str = NEW, act: str = "save", **fields: Any) -> str:
    """The same with what is right; the path of the article's editor."""
    answer = press(client, path, act, **({**STORY, **fields} if path == NEW else fields))
    assert answer.status_code == 303, wrong(answer)
    return str(answer.location)


def wrong(answer: TestResponse) -> dict[str, str]:
    """What the page says is wrong, by field."""
    found = re.findall(r'<p class="error" id="(\w+)-error">(.*?)</p>', answer.text)
    return {name: unescape(text) for name, text in found}


def button(client: FlaskClient, page: str, path: str, **more: str) -> TestResponse:
    """Write into a small form that leads to `path`, and press its button."""
    tree = LexborHTMLParser(client.get(page).text)
    form = next((one for one in tree.css("form") if one.attributes.get("action") == path), None)
    assert form is not None, f"no button for {path}"
    fields = {field.attributes["name"]: field.attributes.get("value") or "" for field in form.css("input")}
    assert fields.keys() >= more.keys()
    return client.post(path, data={**fields, **more})
