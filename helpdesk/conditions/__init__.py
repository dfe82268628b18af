"""One closed language for "which tickets": saved views, search, bulk changes, the API and rules speak it.

    wanted = conditions.parse({"kind": "where", "field": "assignee", "operator": "is", "value": "me"})
    select(Ticket).where(is_visible(agent), await conditions.compiled(session, wanted, agent, now()))

Nothing in it is ever SQL text, and nothing it says widens what an agent may see: whoever queries adds
`is_visible`. Days are the agent's own; `me` and `mine` are whoever looks.
"""

from helpdesk.conditions.compiling import compile, compiled, readings  # noqa: A004 - conditions.compile(…)
from helpdesk.conditions.reading import Kinds, parse, sort_of
from helpdesk.conditions.subjects import FIELDS, OPERATORS, Field, Sort
from helpdesk.conditions.tree import (
    EVERYTHING,
    LONGEST_LIST,
    All,
    BadCondition,
    Condition,
    Either,
    Not,
    Operator,
    Scalar,
    Value,
    Where,
    as_json,
    both,
    kept,
    statements,
)
from helpdesk.conditions.wording import OPERATOR_NAMES, Names, describe, label, span_words

__all__ = [
    "EVERYTHING",
    "FIELDS",
    "LONGEST_LIST",
    "OPERATORS",
    "OPERATOR_NAMES",
    "All",
    "BadCondition",
    "Condition",
    "Either",
    "Field",
    "Kinds",
    "Names",
    "Not",
    "Operator",
    "Scalar",
    "Sort",
    "Value",
    "Where",
    "as_json",
    "both",
    "compile",
    "compiled",
    "describe",
    "kept",
    "label",
    "parse",
    "readings",
    "sort_of",
    "span_words",
    "statements",
]
