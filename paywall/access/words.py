"""What the door's rules say, in words for whoever asks why: on the page, in the shell, in the API."""

from paywall.access.decision import Reason, Tried

# For each rule of the decision: what it says where it opens, and where it does not.
ANSWERS = {
    "open": ("The gate is open to everyone.", "The gate is not open to everyone."),
    "staff": ("Staff read everything.", "Not staff."),
    "unknown_gate": ("Nobody knows what this gate asks, so it stays shut.", "The gate is one that we know."),
    "signed_in": (
        "An account is enough, and there is one.",
        "An account is not enough here, or there is none.",
    ),
    "patron": ("A membership that is held opens it.", "No membership that is held opens it."),
    "institution": ("An institution reads here for them.", "No institution reads here for them."),
    "gift": ("A gift link opens it.", "No gift link."),
    "crawler": ("A search engine that was verified.", "No search engine."),
    "meter": ("A free read opens it.", "No free read opens it."),
}
REFUSALS = {
    Reason.SIGN_IN: "An account would open it.",
    Reason.PATRONS_ONLY: "A membership would open it.",
    Reason.HIGHER_PLAN: "They are a patron, but of a plan that does not open it.",
    Reason.METER_SPENT: "The free reads of this period are spent. A membership would open it.",
    Reason.UNKNOWN_GATE: "Nobody knows what this gate asks, so it stays shut.",
}


def tried(one: Tried) -> str:
    """What a rule said when it was asked."""
    if one.rule == "refusal":
        return REFUSALS[one.answer.reason] if one.answer else ""
    opens, does_not = ANSWERS[one.rule]
    if one.answer is None:
        return does_not
    left = "" if one.answer.reads_left is None else f" After it {one.answer.reads_left} are left."
    return f"{opens}{left}"
