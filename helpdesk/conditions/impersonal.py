"""Conditions that nobody looks through: what the desk asks by itself can't depend on who looks."""

from helpdesk.conditions.tree import BadCondition, Condition, statements

PERSONAL = frozenset({"unread", "mentioned", "participating"})
"""Fields that say something else to each agent."""
WHO_LOOKS = frozenset({"me", "mine"})


def impersonal(condition: Condition, why: str) -> Condition:
    """The same condition; raises BadCondition with `why`, naming the field that depends on who looks."""
    for where in statements(condition):
        values = where.value if isinstance(where.value, list) else [where.value]
        if where.field in PERSONAL or WHO_LOOKS & {str(each) for each in values}:
            raise BadCondition(why, where.field)
    return condition
