"""The search engines' crawlers at the door."""
