"""`python -m paywall.demo`: what `make run` starts."""

from paywall.demo.run import main

main()
