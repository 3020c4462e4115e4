"""What can happen in a schedule: one function a step, in three kinds.

*Life* (paying, own_hand, holding, gifts): a reader at our site or on Stripe's pages, the newsroom in Stripe's
dashboard. *Work*: deliveries, jobs, periodic work, the reconcile. *Trouble*: what goes wrong. `at_once` plays
several of the first two together. A step that makes no sense just now (to resume what is not paused) does
nothing.

The number at the decorator is how often the step is drawn, against the others.
"""

from tests.torture.steps import at_once, gifts, holding, own_hand, paying, trouble, work
from tests.torture.steps.at_once import named
from tests.torture.steps.kinds import STEPS, TROUBLE, WEIGHTS

__all__ = [
    "STEPS",
    "TROUBLE",
    "WEIGHTS",
    "at_once",
    "gifts",
    "holding",
    "named",
    "own_hand",
    "paying",
    "trouble",
    "work",
]
