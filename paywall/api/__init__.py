"""FOR OTHER PROGRAMS: /api/v1, the same decision as JSON, and how a newsroom's CMS hands articles in."""
