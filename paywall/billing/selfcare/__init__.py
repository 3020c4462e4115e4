"""The reader's own hand: cancel and come back, change the plan, pause, pay what is open."""
