"""The rules of the decision as questions, for whoever asks why."""

from datetime import datetime

from paywall.access import decision
from paywall.access.decision import Gate, Visitor
from paywall.api.shapes import Tried

QUESTIONS = {
    "open": "Is it open to everyone now?",
    "staff": "Is the reader one of the newsroom's staff?",
    "unknown_gate": "Is its gate one that we do not know?",
    "signed_in": "Is an account enough, and is there one?",
    "patron": "Does the reader hold a membership that opens it?",
    "institution": "Do they read with a library or a company that holds one?",
    "gift": "Do they come by a gift link to it?",
    "crawler": "Is it a search engine that is let in?",
    "meter": "Is a free read left for it?",
    "refusal": "What would open it?",
}


def trace(gate: Gate, visitor: Visitor, now: datetime) -> tuple[Tried, ...]:
    """The rules that were asked, in their order, each with its answer."""
    return tuple(
        Tried(
            rule=tried.rule,
            question=QUESTIONS[tried.rule],
            answer=tried.answer.reason if tried.answer else None,
        )
        for tried in decision.trace(gate, visitor, now)
    )
