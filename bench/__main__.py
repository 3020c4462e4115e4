"""`python -m bench NAME ...`: take the figures of that name."""

import sys

from bench import gate, intake, journey, reconcile, staff

NAMES = {
    "gate": gate.main,
    "intake": intake.main,
    "journey": journey.main,
    "reconcile": reconcile.main,
    "staff": staff.main,
}

if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
    sys.exit(f"usage: python -m bench {{{','.join(NAMES)}}} [--help]")
NAMES[sys.argv[1]](sys.argv[2:])
