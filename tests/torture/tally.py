"""What is counted over many schedules, and the table at the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from paywall.sandbox import FaultKind
from tests.torture import checks
from tests.torture.oracle import Policy

if TYPE_CHECKING:
    from tests.torture.doors import Watch
    from tests.torture.world import World

GRACE = timedelta(seconds=max(Policy().slack, Policy().grace))
API = (FaultKind.API_ERROR, FaultKind.API_LOST, FaultKind.API_HANG)


@dataclass
class Tally:
    """Sums of the counts of each schedule."""

    schedules: int = 0
    agreed: int = 0
    tied: int = 0
    with_kill: int = 0
    with_burst: int = 0
    events: int = 0
    letters: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    longest: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def life_ended(self, world: World) -> None:
        """The faults that were set and not met are none."""
        for fault in world.sandbox.faults.active():
            world.counts[fault.kind] -= fault.times or 0

    def came_to_rest(self, world: World) -> None:
        """All has been delivered and handled, and nothing reconciled yet."""
        self.agreed += checks.agrees(world)
        self.tied += checks.ties(world)

    def schedule_ended(self, world: World, watch: Watch) -> None:
        """One more schedule without a divergence."""
        self.schedules += 1
        self.with_kill += bool(world.counts["kills"])
        self.with_burst += any(world.counts[name] for name in ("bursts", "kills", "crowds"))
        self.events += len(world.oracle().told)
        self.letters += world.letters_posted().total()
        self.counts.update(world.counts)
        for name, seconds in watch.longest.items():
            self.longest[name] = max(self.longest[name], seconds)

    @property
    def seconds_each(self) -> float:
        """What a schedule takes."""
        return (time.monotonic() - self.began) / max(1, self.schedules)

    def table(self) -> str:
        """All of it in words."""
        lines = {
            "schedules": self.schedules,
            "schedules a second": f"{1 / self.seconds_each:.2f}",
            "memberships agreed before the reconcile": self._share(self.agreed),
            "the cash book agreed before its walk": self._share(self.tied),
            "with workers at once": f"{self.with_burst} ({self.counts['bursts']} bursts; "
            f"{self.counts['crowds']} crowds of real processes)",
            "with a process killed": f"{self.with_kill} ({self.counts['kills']} kills)",
            "events": self.events,
            "letters sent": self.letters,
            "deliveries lost": self.counts[FaultKind.DROP],
            "deliveries doubled": self.counts[FaultKind.DUPLICATE],
            "deliveries delayed": self.counts[FaultKind.DELAY],
            "rounds turned round": self.counts[FaultKind.REORDER],
            "API faults": ", ".join(f"{kind} {self.counts[kind]}" for kind in API),
            "longest reading on unpaid": f"{self._far('over, calm')} (policy: {GRACE}); "
            f"{self._far('over, events under way')} while events were under way",
            "longest locked out though paid": f"{self._far('under, calm')} (policy: none); "
            f"{self._far('under, events under way')} while events were under way",
        }
        return "\n".join(f"  {name:<44}{value}" for name, value in lines.items())

    def _share(self, some: int) -> str:
        return f"{some} ({some / max(1, self.schedules):.1%})"

    def _far(self, name: str) -> timedelta:
        return timedelta(seconds=self.longest[name])
