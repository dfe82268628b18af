"""The help centre as customers meet it: brands, who is signed in to one, and which tickets are theirs.

centres.py     what a brand is called, how it looks, what it shows, where its questions go
colours.py     one colour of a brand, made into all that a page needs
signing_in.py  links by mail that let a customer in, and the sessions that come of them
tickets.py     which tickets and messages a customer may see: the one condition
"""

from helpdesk.portal.centres import Described, HelpCentre
from helpdesk.portal.signing_in import Customer, PortalLink, PortalSession

__all__ = ["Customer", "Described", "HelpCentre", "PortalLink", "PortalSession"]
