"""From teaser to payment: how many go how far, and which articles bring them there. No person is in it."""
