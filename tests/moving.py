"""A clock that tests move."""

from datetime import datetime, timedelta

from paywall import clock


class MovingClock:
    """Stands still once it is set; before that it is the clock that was there.

    It moves our own time only. A story with Stripe in it moves the sandbox's clock, which moves ours too.
    """

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return clock.now()

    def set(self, instant: datetime) -> None:
        """Stand at `instant` (aware) from now on."""
        clock.use(lambda: instant)

    def advance(self, **how_far: float) -> datetime:
        """Go on by `timedelta(**how_far)`, stand there, and return the new instant."""
        instant = clock.now() + timedelta(**how_far)
        self.set(instant)
        return instant
