"""The reports on patrons and what they bring, in the order in which staff see them."""

from paywall.reports.patrons import standing, movement, churn, cohorts, trials, shares  # noqa: F401, I001
