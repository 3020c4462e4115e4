"""The laws of the house that no linter knows: settings, commands, instants, templates, commits."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import Column

from paywall.cli import commands
from paywall.config import ROOT, Settings
from paywall.db import Model, UTCDateTime

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "email" not in path.parts]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Where a transaction may end: views, commands and jobs, and steps at Stripe that must not be forgotten.
# Rooms within write, and leave the commit to whoever called.
MAY_COMMIT = {
    "access/gift_links": {"forgetting"},
    "access/institutions": {"commands"},
    "access/journey": {"paying"},
    "accounts": {"factor_views", "letters", "proofs", "proving", "security", "views"},
    "access": {"free_reads"},
    "api": {"token_commands", "tokens", "views"},
    "articles": {"feeds", "gate_commands", "gift_commands", "gift_pages", "search_views", "views"},
    "billing": {
        "checkout",
        "customers",
        "first_payments",
        "inbox",
        "inbox_commands",
        "promotions",
        "reminders",
        "setting_up",
        "setup",
        "sync",
        "views",
    },
    "billing/cashbook": {"held", "reading", "walk"},
    "billing/gifts": {"commands", "giving", "letters", "redeeming", "views"},
    "billing/groups": {"inviting", "letters", "seats", "sizing", "views"},
    "billing/reconcile": {"backfill", "runs", "walk"},
    "billing/repricing": {"announcing", "commands", "moving", "planning"},
    "billing/selfcare": {"leaving", "owned", "pausing", "switching", "turns"},
    "demo": {"history", "seed", "traffic"},
    "membership": {"applied", "comps"},
    "office": {"canaries"},
    "office/leaks": {"askers"},
    "office/newsroom": {"gate_views", "version_views", "views"},
    "office/caches": {"moments"},
    "office/desk": {"access_acts", "acts", "hands", "leaving", "merging", "refunding", "views"},
    "office/money": {"letter", "tie_out"},
    "office/house": {"health_pages", "inboxes", "people", "plans", "trails"},
    "reports": {"ledger", "rollup", "routes", "views"},
    ".": {"cli", "mail", "watch"},
}


class TestSettings:
    """docs/settings.md and config.Settings tell the same story."""

    def test_each_setting_is_in_the_docs_with_its_default(self) -> None:
        documented = {row[0]: row[1:] for row in _rows(ROOT / "docs" / "settings.md")}
        stated = {f"PAYWALL_{name.upper()}": _as_documented(name) for name in Settings.model_fields}
        assert documented == stated

    def test_each_setting_is_used(self) -> None:
        sources = "\n".join(path.read_text() for path in (ROOT / "paywall").rglob("*.py"))
        assert {name for name in Settings.model_fields if not re.search(rf"\.{name}\b", sources)} == set()


class TestCommands:
    """What the docs tell someone to type exists."""

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    def test_each_command_of_the_docs_has_help(self, app: Flask) -> None:
        named = {found for path in DOCS for found in re.findall(r"flask paywall ([a-z-]+)", path.read_text())}
        assert named
        assert named <= set(commands.commands)
        for name in commands.commands:
            result = app.test_cli_runner().invoke(args=["paywall", name, "--help"])
            assert result.exit_code == 0
            assert (commands.commands[name].help or "?").split()[0] in result.output

    def test_each_make_target_of_the_docs_exists(self) -> None:
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = {word for path in DOCS for word in re.findall(r"`make ([a-z]+)", path.read_text())}
        assert named <= targets


class TestSchema:
    """What the tables hold."""

    def test_each_instant_is_aware(self) -> None:
        columns = [column for table in Model.metadata.tables.values() for column in table.columns]
        naive = [column for column in columns if "DATETIME" in str(column.type) and not _is_aware(column)]
        assert naive == []


class TestTemplates:
    """What the browser's policy would block is not there at all."""

    @pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_no_style_or_script_within_a_page(self, path: Path) -> None:
        page = _Inline()
        page.feed(path.read_text())
        assert page.found == []


class TestCode:
    """What ruff cannot say."""

    def test_transactions_end_at_the_edges(self) -> None:
        committing = {
            path.relative_to(ROOT / "paywall")
            for path in (ROOT / "paywall").rglob("*.py")
            if "sandbox" not in path.parts and _calls(path, "commit")
        }
        allowed = {Path(room) / f"{name}.py" for room, names in MAY_COMMIT.items() for name in names}
        assert {str(path) for path in committing - allowed} == set()

    @pytest.mark.parametrize("path", sorted((ROOT / "paywall").rglob("*.py")), ids=lambda path: path.stem)
    def test_each_file_says_what_it_knows(self, path: Path) -> None:
        said = ast.get_docstring(ast.parse(path.read_text()))
        assert said


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _value in attrs}
        # JSON-LD is data: no browser runs it, so no policy has to allow it.
        is_code = tag == "script" and dict(attrs).get("type") != "application/ld+json"
        if tag == "style" or (is_code and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or re.fullmatch("on[a-z]+", name)]


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_text().splitlines():
        if line.startswith("| `PAYWALL_"):
            name, default, meaning = (cell.strip() for cell in line.strip("|").split("|"))
            yield name.strip("`"), default, meaning


def _as_documented(name: str) -> tuple[str, str]:
    field = Settings.model_fields[name]
    return _default(field.default, is_required=field.is_required()), field.description or ""


def _default(value: object, *, is_required: bool) -> str:
    if is_required:
        return "required"
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    if shown in ("", ()):
        return "empty"
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


def _is_aware(column: Column[object]) -> bool:
    return isinstance(column.type, UTCDateTime)


def _calls(path: Path, name: str) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return any(isinstance(func, ast.Attribute) and func.attr == name for func in calls)
