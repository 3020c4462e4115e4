"""WHO: readers and staff, how they sign up and sign in."""
