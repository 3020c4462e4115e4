"""What the documents and forms promise: links lead somewhere, forms carry a token, secrets stay unprinted."""

import re
from pathlib import Path

import pytest

from paywall import create_app
from paywall.accounts.routes import LEVELS, stated
from paywall.config import ROOT
from tests.conftest import dispose, make_settings
from tests.test_app import REAL

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SECRETS = {
    "secret_key": "a-secret-of-thirty-two-characters-or-more",
    "stripe_secret_key": "sk_test_never_printed",
    "stripe_webhook_secrets": "whsec_never_printed,whsec_nor_this",
    "smtp_url": "smtp://name:never-printed@127.0.0.1:9",
    "metrics_token": "token-never-printed",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCS, ids=_name)
def test_each_link_within_the_house_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text())
    ours = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in ours if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_each_form_that_changes_something_carries_a_token(path: Path) -> None:
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE)
    assert [form for form in forms if not re.search(r"(csrf(_token)?|parts\.token)\(\)", form)] == []


def test_no_secret_is_printed_with_the_settings(tmp_path: Path) -> None:
    settings = make_settings(data_dir=tmp_path, sandbox=False, **SECRETS)
    printed = f"{settings!r} {settings} {settings.model_dump()}"
    for secret in ",".join(SECRETS.values()).split(","):
        assert secret not in printed


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_with_real_settings_too_each_route_states_who_may_enter(database: str, tmp_path: Path) -> None:
    app = create_app(make_settings(data_dir=tmp_path, database_url=database, **REAL))
    levels = {rule.endpoint: stated(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert {endpoint for endpoint, level in levels.items() if not level or not level <= LEVELS} == set()
    dispose(app)
