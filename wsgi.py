"""What a WSGI server and the `flask` command load; a wrong setting stops them with one line."""

import gc
import sys

from paywall import create_app
from paywall.errors import WrongSetting

try:
    app = create_app()
except WrongSetting as wrong:
    sys.exit(f"paywall: {wrong.message}")

# What is loaded by now stays: while readers wait, the collector need not walk through all of it (0.1 s).
gc.collect()
gc.freeze()
