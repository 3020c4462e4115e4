"""GIFT LINKS: an address by which whoever gets it from a patron reads one article."""
