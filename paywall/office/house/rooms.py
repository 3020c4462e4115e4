"""The blueprints of the house's own pages."""

from paywall.office.house.health_pages import wellbeing
from paywall.office.house.inboxes import inboxes
from paywall.office.house.people import people
from paywall.office.house.plans import plans
from paywall.office.house.trails import trails

HOUSE = (plans, inboxes, wellbeing, people, trails)
