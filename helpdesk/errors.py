"""What can go wrong in words that a person can act on.

An error carries the HTTP status it answers with, so that no route has to translate it.
"""

from helpdesk.i18n import Text, _


class HelpdeskError(Exception):
    """Something was refused for a reason; `str()` of it is shown to the person who asked."""

    status = 500
    message: Text = _("Something went wrong.")

    def __init__(self, detail: "str | Text | None" = None) -> None:
        super().__init__(detail or self.message)
        self.detail = detail or self.message

    def __str__(self) -> str:
        return str(self.detail)


class Invalid(HelpdeskError):
    status = 400
    message = _("This cannot be read.")


class Forbidden(HelpdeskError):
    status = 403
    message = _("You may not do this.")


class NotFound(HelpdeskError):
    status = 404
    message = _("There is nothing here, or you may not see it.")


class Conflict(HelpdeskError):
    status = 409
    message = _("This has changed in the meantime.")


class Misconfigured(HelpdeskError):
    """A setting, a file or a server is not as it must be; the detail says which and how to mend it."""

    message = _("The desk is not set up correctly.")
