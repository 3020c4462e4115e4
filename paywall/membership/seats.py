"""How many seats a plan is sold with: pure."""

from dataclasses import dataclass

from paywall.errors import BadInput

FEWEST, MOST = 2, 1000


@dataclass(frozen=True, slots=True)
class SeatRange:
    """From `least` to `most` seats; whoever buys them has one of them."""

    least: int
    most: int

    @classmethod
    def read(cls, text: str) -> "SeatRange":
        """What staff write ("5-50"); raises BadInput."""
        first, _, last = text.partition("-")
        if not (first.strip().isdecimal() and last.strip().isdecimal()):
            raise BadInput(f"{text!r} is no number of seats: write 5-50.")
        found = cls(int(first), int(last))
        if not FEWEST <= found.least <= found.most <= MOST:
            raise BadInput(f"A group has between {FEWEST} and {MOST} seats: write 5-50.")
        return found

    def __contains__(self, seats: int) -> bool:
        return self.least <= seats <= self.most
