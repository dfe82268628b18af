"""Business calendars: when a desk works, and on which days it stays closed.

Holidays come from three sources: a country's public ones (`public`), days of the desk's own, and an iCal feed
(`feeds`). Each is stored by day with its name (`Holiday`), and all of them once more as bare days on the calendar
(`Calendar.holidays`), so that reckoning needs neither a library nor a second query. `arranging` is how they change.
"""

from helpdesk.calendars.rows import Calendar, Holiday, Source

__all__ = ["Calendar", "Holiday", "Source"]
