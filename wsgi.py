"""What a WSGI server and the `flask` command load."""

from paywall import create_app

app = create_app()
