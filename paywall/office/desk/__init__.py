"""The membership desk: one reader at a time, found, understood and helped."""
