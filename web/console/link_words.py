"""Links between tickets, as their timelines tell of them."""

from helpdesk.i18n import _
from helpdesk.links import Side

SIDES = {
    Side.related: (_("%(who)s linked %(number)s"), _("%(who)s removed the link to %(number)s")),
    Side.parent: (_("%(who)s made %(number)s the parent"), _("%(who)s took away the parent %(number)s")),
    Side.child: (_("%(who)s made %(number)s a child"), _("%(who)s took away the child %(number)s")),
    Side.duplicate_of: (
        _("%(who)s marked this as a duplicate of %(number)s"),
        _("%(who)s took back that this is a duplicate of %(number)s"),
    ),
    Side.follow_up_of: (
        _("%(who)s noted that this goes on where %(number)s was over"),
        _("%(who)s took back that this goes on from %(number)s"),
    ),
    Side.follow_up: (
        _("%(who)s noted that %(number)s goes on from here"),
        _("%(who)s took back that %(number)s goes on from here"),
    ),
    Side.duplicate: (
        _("%(who)s marked %(number)s as a duplicate of this"),
        _("%(who)s took back that %(number)s is a duplicate of this"),
    ),
}


OPENED = {
    Side.follow_up_of: _("The customer answered %(number)s, too late to open it again: it goes on here"),
    Side.follow_up: _("The customer answered, too late to open this again: it goes on in %(number)s"),
}
"""By the desk itself, because a ticket was over."""
