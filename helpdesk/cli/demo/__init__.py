"""`helpdesk demo`: a company to try the desk with, and mail to it. Nothing of it leaves this machine."""

from helpdesk.cli.demo.commands import demo

__all__ = ["demo"]
