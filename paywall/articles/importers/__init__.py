"""How articles come in from elsewhere: all is checked first, and one bad file changes nothing."""
