"""Whatever is handed in, the answer is one that the document foresees, and what was kept can be shown."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywall.api.given import ArticleGiven
from tests.api.conftest import Program
from tests.articles.files import SECRET

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

fuzzed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "City", "public", "patrons", "plan:x", "2026-11-20T06:00:00Z", "\x00", "\ud800", "a" * 500]
    ),
    st.sampled_from(["<p>a<!--more-->b</p>", "# x\n\n<!-- more -->\n", "![x](/pictures/a.png)", "<b>" * 50]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(sorted(ArticleGiven.model_fields)) | texts
bodies = st.dictionaries(fields, values, max_size=8)
GOOD: dict[str, Any] = {
    "title": "T",
    "section": "City",
    "body_markdown": f"One two.\n\n{SECRET}",
    "gate": "patrons",
}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    body=bodies, usual=st.sampled_from([GOOD, {}]), slug=st.sampled_from(["x", "a-b", "A_", "é", "0" * 121])
)
def test_no_article_breaks_the_house(
    cms: Program, body: dict[str, Any], usual: dict[str, Any], slug: str
) -> None:
    given_body = usual | body
    for method in ("PUT", "PATCH"):
        data = json.dumps(given_body).encode("utf-8", "surrogatepass")
        answer = cms.ask(method, f"/articles/{slug}", data=data, headers={"Content-Type": "application/json"})
        assert answer.status_code in {200, 201, 400, 404}
    assert cms.get(f"/articles/{slug}").status_code in {200, 404}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    text=st.text(alphabet="<>/!-\"'= abmorepdivscript&;\n", max_size=80),
    kind=st.sampled_from(["body_html", "body_markdown"]),
)
def test_whatever_was_kept_is_shown(cms: Program, client: FlaskClient, text: str, kind: str) -> None:
    body = {"title": "T", "section": "City", "published_at": "2020-01-01T00:00:00Z", "gate": "public"}
    body[kind] = text
    answer = cms.put("x", body)
    assert answer.status_code in {200, 201, 400}
    if answer.status_code != 400:
        shown = cms.get("/articles/x").json
        assert "<script" not in shown["html"]
        assert client.get("/article/x").status_code == 200


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    data=st.binary(max_size=60), query=st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=3)
)
def test_no_bytes_and_no_query_break_the_house(cms: Program, data: bytes, query: dict[str, str]) -> None:
    kind = {"Content-Type": "application/json"}
    assert cms.ask("PUT", "/articles/x", data=data, headers=kind).status_code == 400
    for path in ("/articles", "/access"):
        assert cms.get(path, query_string=query).status_code in {200, 400, 403}
    picture = {"Content-Type": "image/png"}
    assert cms.ask("POST", "/pictures?name=a.png", data=data, headers=picture).status_code == 400
