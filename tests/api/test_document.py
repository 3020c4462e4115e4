"""The document tells of every route, and its page shows it whole."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.routes import stated
from paywall.api.models import Scope
from paywall.api.problems import KIND
from tests.api.conftest import ROOT, Program
from tests.api.fitting import KEYWORDS, SAID, misfits, resolve

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Json = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch"}
# What OpenAPI 3.1 allows in an operation, of all that we could need.
PARTS = {"operationId", "summary", "description", "parameters", "requestBody", "responses", "security"}


@pytest.fixture
def told(visitor: Program) -> Json:
    """The document as it is served."""
    answer = visitor.get("/openapi.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found: Json = answer.json
    return found


def test_it_is_an_openapi_document(told: Json) -> None:
    assert re.fullmatch(r"3\.1\.\d+", told["openapi"])
    assert {"title", "version"} <= set(told["info"])
    assert told["servers"] == [{"url": "http://127.0.0.1:8000/api/v1"}]
    ids = []
    for path, calls in told["paths"].items():
        assert path.startswith("/")
        assert set(calls) <= METHODS
        for said in calls.values():
            assert set(said) <= PARTS
            ids.append(said["operationId"])
            _check_parameters(path, said["parameters"])
            _check_responses(said["responses"])
            _check_security(said["security"], told)
    assert len(ids) == len(set(ids))


def _check_parameters(path: str, parameters: list[Json]) -> None:
    assert [one["name"] for one in parameters if one["in"] == "path"] == re.findall(r"{(\w+)}", path)
    assert all(one["required"] for one in parameters if one["in"] == "path")
    keys = [(one["name"], one["in"]) for one in parameters]
    assert len(keys) == len(set(keys))
    assert {one["in"] for one in parameters} <= {"path", "query", "header"}


def _check_responses(responses: Json) -> None:
    assert responses
    for status, said in responses.items():
        assert re.fullmatch(r"[2-5]\d\d", status)
        assert said["description"]
        if status >= "400":
            assert set(said["content"]) == {KIND}
    assert {"401", "429", "500"} <= set(responses)


def _check_security(security: list[Json], told: Json) -> None:
    for one in security:
        assert set(one) <= set(told["components"]["securitySchemes"])
        assert set(one.get("token", ())) <= set(Scope)


def test_every_schema_uses_what_our_checks_know_and_every_reference_leads_somewhere(told: Json) -> None:
    for schema in _schemas(told):
        assert set(schema) <= set(KEYWORDS) | SAID
        assert resolve(schema, told)
    for schema in told["components"]["schemas"].values():
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False


def _schemas(node: object, *, is_schema: bool = False) -> list[Json]:
    found: list[Json] = []
    if isinstance(node, dict):
        found += [node] if is_schema else []
        for name, inner in node.items():
            if name in {"schemas", "properties"}:
                assert isinstance(inner, dict)
                for one in inner.values():
                    found += _schemas(one, is_schema=True)
            elif name not in {"example", "default", "enum"}:
                found += _schemas(inner, is_schema=name in {"schema", "items"})
    elif isinstance(node, list):
        for one in node:
            found += _schemas(one)
    return found


def test_each_route_is_told_and_nothing_else(app: Flask, told: Json) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix(ROOT)), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    about_itself = {("/", "get"), ("/openapi.json", "get")}
    assert routes - about_itself == {
        (path, method) for path, calls in told["paths"].items() for method in calls
    }


def test_each_route_that_writes_demands_a_token(app: Flask, told: Json) -> None:
    for path, calls in told["paths"].items():
        for method, said in calls.items():
            if method != "get":
                assert said["security"] == [{"token": ["articles:write"]}], path
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            assert stated(app, rule.endpoint) == {"public"}


def test_the_examples_fit_their_schemas_and_work(told: Json, cms: Program) -> None:
    for path, method in (("/articles/{slug}", "put"), ("/articles/{slug}", "patch")):
        for content in told["paths"][path][method]["requestBody"]["content"].values():
            assert misfits(content["example"], content["schema"], told) == []
            answer = cms.ask(method.upper(), "/articles/the-tram", json=content["example"])
            assert answer.status_code in {200, 201}


def test_a_check_that_sees_nothing_is_noticed(told: Json) -> None:
    plans = {"$ref": "#/components/schemas/Plans"}
    assert misfits({"plans": []}, plans, told) == []
    wrong: object
    for wrong in ({}, {"plans": [{}]}, {"plans": None}, {"plans": [], "more": 1}, []):
        assert misfits(wrong, plans, told) != []


def test_the_page_shows_each_call_with_its_curl_line_and_no_script_of_another_site(
    client: FlaskClient, told: Json
) -> None:
    answer = client.get(f"{ROOT}/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = answer.text
    for path, calls in told["paths"].items():
        for method, said in calls.items():
            assert f"{method.upper()} {path}" in page
            assert f'id="{said["operationId"]}"' in page
    assert page.count("curl ") >= len([call for calls in told["paths"].values() for call in calls])
    for source in re.findall(r"<(?:script|link)\b[^>]*(?:src|href)=\"([^\"]+)\"", page):
        assert source.startswith("/")
    assert client.get("/api/v1").location == "http://localhost/api/v1/"
    for name in ("api.js", "api.css"):
        with client.get(f"/static/{name}") as file:
            assert file.status_code == 200
