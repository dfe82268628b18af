"""`helpdesk …`: the one place that knows all packages and puts them together."""

from helpdesk.cli.main import main

__all__ = ["main"]
