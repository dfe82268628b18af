"""Every page of the help centre."""

from typing import Any

from web.portal import contact, machines, maps, pages, signing_in, tickets

PORTAL: list[Any] = [
    pages.Reading,
    machines.Machines,
    maps.Maps,
    machines.robots,
    contact.Contact,
    signing_in.SigningIn,
    tickets.Tickets,
]
