"""What the counts from teaser to payment mean, and what they do not know, in words for staff."""

LAST_TOUCH = (
    "First payments before which this was the last gated article that the browser saw, in the seven days"
    " before its Checkout was opened."
)
ANY_TOUCH = (
    "The same for each gated article that the browser saw in those seven days, each once. One payment counts"
    " for several articles here, so this column is not to be added up."
)
SIGN_UPS = (
    "Accounts made in a browser that had last seen one of these gated articles, in the seven days before."
)
PATH_NOTES = (
    (
        "Nobody is in these counts: they are sums of requests, not of people. One person who reads five"
        " articles is five visits."
    ),
    (
        "Left out are staff, search engines, programs that say what they are, pages that a browser fetches"
        " before anyone clicks, and requests for headers alone. A program that poses as a browser is counted."
    ),
    (
        "Pages that we keep ready are counted like all others. A cache in front of the paywall that answers"
        " without asking us hides visits; our pages say that it must ask."
    ),
    "A trial is paid when it ends, days after its Checkout; until then it looks like one that was not paid.",
    (
        "If a web process is killed, the visits of its last five seconds or so are lost. Accounts, Checkouts"
        " and payments never are."
    ),
)
ARTICLE_NOTES = (
    f"Last touch: {LAST_TOUCH}",
    f"Any touch: {ANY_TOUCH}",
    "Payments are first ones, on the day when they were made; what is given back later is not taken out.",
    (
        "The browser itself remembers which gated articles it saw, in a signed cookie of ours, for seven"
        " days. Payments of readers who saw none, who read on another device, or whose browser says that it"
        " does not want to be followed (Do Not Track, Global Privacy Control) count for no article."
    ),
    "A plan that is chosen above narrows the payments; visits, offers and sign-ups belong to no plan.",
    (
        "An article's single days are kept for 400 days. A month before that is counted whole, even if only"
        " a part of it was asked for."
    ),
)
