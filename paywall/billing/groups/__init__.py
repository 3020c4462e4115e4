"""GROUPS: one pays for several seats, and gives them away by invitation."""
