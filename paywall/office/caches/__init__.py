"""The cache test: a real caching proxy, readers taking turns at it, and whether one gets another's answer."""
