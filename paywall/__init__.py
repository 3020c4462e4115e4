"""The membership back end of a newsroom. A map of the house, from the street to the cellar:

app         create_app(): everything is put together here, in reading order
cli         `flask paywall ...`: what staff and operators do from a shell
watch       whether the house stands: health, readiness, metrics, logs, headers
server      the web server of this machine, as the demo and `flask paywall proxy` start it
demo        the paper that `make run` shows
sandbox     a stand-in for Stripe; demo mode and tests only
office      STAFF AT WORK: why a reader can read, who would read an article, whether anything leaks
reports     FOR STAFF: figures from the ledger
billing     STRIPE: the only room that talks to it
api         FOR OTHER PROGRAMS: /api/v1, its tokens, and what a CMS hands in
articles    THE PAPER: articles, rendered, imported, shown
access      THE DOOR: one decision for every output
membership  WHAT THEY HOLD: plans, subscriptions, until when each gives access
accounts    WHO: readers and staff
mail        letters, at most one per cause
jobs        background and periodic work
logs metrics money db config clock errors   each does what its name says
"""

from paywall.app import create_app

__all__ = ["create_app"]
