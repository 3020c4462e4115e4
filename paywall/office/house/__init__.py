"""The house itself: the staff, the plans, the inbox, its health, and the trail of what staff did."""
