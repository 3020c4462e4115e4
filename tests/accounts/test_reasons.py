"""Of every act that the trail knows it is decided whether it needs a reason, may have one, or has none."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import paywall
from paywall.accounts import reasons
from paywall.accounts.reasons import NONE, OPTIONAL, REQUIRED
from paywall.cli import commands
from paywall.errors import BadInput

HOUSE = Path(paywall.__file__).parent
# Who writes down acts that others name: by file and function.
PASSED_ON = {
    "access/institutions/keeping.py": "_note",
    "accounts/factors.py": "_tell",
    "accounts/staff.py": "change_roles",
    "membership/comps.py": "_note",
    "office/desk/hands.py": "_note",
    "office/house/health_pages.py": "_begun",
}
MUST, MAY = True, False
COMMANDS = {
    "staff": MUST,
    "staff-factor-reset": MUST,
    "plan": MUST,
    "inbox replay": MUST,
    "unlock open": MUST,
    # Needed by the act, and not by `--dry-run`, which is none.
    "plan-price": MAY,
    "import": MAY,
    "gate rule": MAY,
    "gate drop": MAY,
    "unlock close": MAY,
    "token make": MAY,
    "token revoke": MAY,
    "institution add": MAY,
    "institution change": MAY,
    "institution end": MAY,
    "institution domain": MAY,
    "institution range": MAY,
    "coupon create": MAY,
    "coupon end": MAY,
    "gift void": MAY,
    "gift-link revoke": MAY,
}


@dataclass(frozen=True)
class Noted:
    """A place that writes into the trail; `act` is None if it is told which."""

    file: str
    function: str
    act: str | None
    has_reason: bool


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def noted() -> Iterator[Noted]:
    for path in HOUSE.rglob("*.py"):
        for function in ast.walk(tree(path)):
            if isinstance(function, ast.FunctionDef):
                calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
                for call in calls:
                    if ast.unparse(call.func) == "trail.note":
                        act = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
                        with_reason = any(word.arg == "reason" for word in call.keywords)
                        yield Noted(
                            str(path.relative_to(HOUSE)),
                            function.name,
                            None if act is None else str(act),
                            with_reason,
                        )


def said() -> set[str]:
    """Every text that the code has, where an act could be named."""
    files = (path for path in HOUSE.rglob("*.py") if path.name != "reasons.py")
    nodes = (node for path in files for node in ast.walk(tree(path)))
    return {str(node.value) for node in nodes if isinstance(node, ast.Constant)}


def test_every_act_in_the_code_is_decided_on_and_asks_for_its_reason() -> None:
    named = {one.act: one for one in noted() if one.act}
    assert named.keys() <= REQUIRED | OPTIONAL | NONE.keys()
    assert {act for act, one in named.items() if not one.has_reason} == named.keys() & NONE.keys()
    passed = {one.file: one for one in noted() if one.act is None}
    assert {file: one.function for file, one in passed.items()} == PASSED_ON
    assert {file for file, one in passed.items() if not one.has_reason} == {"office/house/health_pages.py"}


def test_no_act_is_decided_on_twice_or_for_nothing() -> None:
    assert not REQUIRED & OPTIONAL
    assert not (REQUIRED | OPTIONAL) & NONE.keys()
    assert {act.removesuffix(" asked") for act in (*REQUIRED, *OPTIONAL, *NONE)} <= said()
    assert all(NONE.values())


@pytest.mark.parametrize("act", sorted(REQUIRED))
def test_an_act_that_needs_a_reason_is_not_done_without(act: str) -> None:
    assert reasons.check(act, " It was agreed. ") == "It was agreed."
    for blank in ("", " \n\t"):
        with pytest.raises(BadInput, match="Say why"):
            reasons.check(act, blank)


def test_an_act_that_nobody_decided_on_is_not_written_down() -> None:
    assert reasons.check("unlock closed", "") == ""
    with pytest.raises(LookupError, match="moon painted"):
        reasons.check("moon painted", "It was grey")


def test_commands_ask_why() -> None:
    found = {
        name: option.required
        for name, command in every(commands)
        for option in command.params
        if isinstance(option, click.Option) and "--why" in option.opts
    }
    assert found == COMMANDS


def every(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command
