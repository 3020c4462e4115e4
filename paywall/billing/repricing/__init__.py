"""NEW PRICES: present patrons are told in good time, and moved at a renewal that follows."""
