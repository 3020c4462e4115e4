"""From teaser to payment, and which articles lead there: what is counted in access/journey, as reports."""
