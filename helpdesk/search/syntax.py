"""What people type into the search: words, "exact words", `field:value`, -not, OR and parentheses, as a condition.

    status:open from:ada@lumen.example tag:vip before:2026-01-01 "charged twice" -refund

It is read forgivingly: what is no field is a word, a missing parenthesis or quote ends with the text. What
names a field but no value of it is refused in words, since a search that leaves it out would find too much.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from helpdesk.conditions import (
    FIELDS,
    All,
    BadCondition,
    Condition,
    Either,
    Kinds,
    Not,
    Operator,
    Sort,
    Where,
    parse,
)
from helpdesk.conditions.reading import CUSTOM_SORTS
from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext
from helpdesk.texts import clean

LONGEST = 500
MOST = 40
"""Terms of one search."""
DEEPEST = 5
TOKEN = re.compile(
    r"""(?P<open>-?\()|(?P<close>\))|(?P<or>OR\b|\|)|
        (?P<minus>-)?(?:(?P<key>[A-Za-z][\w.]*):(?=[^\s()]))?(?:"(?P<quoted>[^"]*)"?|(?P<word>[^\s()"]+))""",
    re.VERBOSE,
)
Find = Callable[[str, str], list[int]]
"""Of what (team, tag, agent, …) and a name → the ids it may mean; empty where there is none."""


@dataclass(frozen=True)
class Key:
    """A field as it is called in a search."""

    field: str
    hint: Text
    operator: Operator | None = None
    example: str = ""


KEYS: Mapping[str, Key] = {
    "status": Key("status", _("Status or category"), example="status:open"),
    "from": Key(
        "requester_address", _("Requester's address or name"), Operator.contains, "from:ada@lumen.example"
    ),
    "to": Key("to", _("Address that it was sent to"), Operator.contains, "to:support@"),
    "cc": Key("cc_address", _("Address in copy"), Operator.contains, "cc:lena@"),
    "assignee": Key("assignee", _("Whose it is: me, nobody or a name"), example="assignee:me"),
    "team": Key("team", _("Team: its name, mine or none"), example='team:"Second line"'),
    "tag": Key("tags", _("Has the tag"), Operator.any_of, "tag:vip"),
    "type": Key("type", _("Type of ticket"), example="type:question"),
    "priority": Key("priority", _("Low, normal, high or urgent"), example="priority:urgent"),
    "inbox": Key("inbox", _("Inbox"), example="inbox:Support"),
    "channel": Key("channel", _("Channel"), example="channel:email"),
    "company": Key("company_name", _("Company"), Operator.contains, "company:lumen"),
    "subject": Key("subject", _("Words in the subject"), Operator.contains, "subject:invoice"),
    "file": Key("attachment", _("Name of an attachment"), Operator.contains, "file:.pdf"),
    "before": Key("created", _("Created before a day"), Operator.before, "before:2026-01-01"),
    "after": Key("created", _("Created on a day or later"), Operator.after, "after:2026-01-01"),
    "updated": Key("last_message", _("Last message within: 12h, 7d, 4w"), Operator.within_last, "updated:7d"),
    "due": Key("next_due", _("Due within: 2h, 1d"), Operator.within_next, "due:2h"),
    "lang": Key("language", _("Language of the customer"), Operator.is_, "lang:de"),
    "rating": Key("rating", _("Customer's rating, from 1 to 5"), Operator.is_, "rating:2"),
    "number": Key("number", _("Ticket number"), Operator.is_, "number:42"),
    "has": Key("has", _("attachment, draft, tag, company"), example="has:attachment"),
    "is": Key("is", _("open, unread, unattended, snoozed, late, spam …"), example="is:unread"),
    "in": Key("is", _("spam, trash, anywhere"), example="in:trash"),
}
HAS: Mapping[str, Condition] = {
    "attachment": Where("has_attachment", Operator.is_, True),
    "file": Where("has_attachment", Operator.is_, True),
    "draft": Where("has_draft", Operator.is_, True),
    "rating": Where("rated", Operator.is_, True),
    "tag": Where("tags", Operator.is_not_empty),
    "company": Where("company", Operator.is_not_empty),
    "assignee": Where("assignee", Operator.is_not_empty),
    "team": Where("team", Operator.is_not_empty),
}
IS: Mapping[str, Condition] = {
    "open": Where("active", Operator.is_, True),
    "unread": Where("unread", Operator.is_, True),
    "read": Where("unread", Operator.is_, False),
    "unattended": Where("unattended", Operator.is_, True),
    "unassigned": Where("assignee", Operator.is_empty),
    "assigned": Where("assignee", Operator.is_not_empty),
    "mine": Where("assignee", Operator.is_, "me"),
    "snoozed": Where("snoozed", Operator.is_, True),
    "settled": Where("settled", Operator.is_, True),
    "late": Where("late", Operator.is_, True),
    "mentioned": Where("mentioned", Operator.is_, True),
    "followed": Where("participating", Operator.is_, True),
    "waiting": Where("waiting_since", Operator.is_not_empty),
    "spam": Where("removed", Operator.is_, "spam"),
    "trash": Where("removed", Operator.is_, "trash"),
    "merged": Where("removed", Operator.is_, "merged"),
    "anywhere": Either(
        (Where("removed", Operator.is_empty), Where("removed", Operator.is_not_empty)),
    ),
}
NOBODY = frozenset({"none", "nobody", "no"})


class BadSearch(Invalid):
    """Why a search cannot be read; the page keeps what was typed."""


@dataclass(frozen=True)
class Search:
    """What was typed, read: words that messages must have, and everything else as a condition."""

    text: str
    words: str = ""
    """For full text: what stands at the top level, quotes kept."""
    rest: Condition = field(default_factory=All)
    chips: tuple[tuple[str, Condition], ...] = ()
    """Every filter as it was typed, with what it means."""

    @property
    def whole(self) -> Condition:
        """All of it as one condition: what a saved view or a bulk change takes."""
        if not self.words:
            return self.rest
        inside = self.rest.of if isinstance(self.rest, All) else (self.rest,)
        return All((*inside, Where("text", Operator.contains, self.words)))


def read(typed: str, find: Find, custom: Kinds | None = None) -> Search:
    """Raises BadSearch."""
    text = clean(typed).strip()
    if len(text) > LONGEST:
        raise BadSearch(gettext("A search has at most %(n)s characters.") % {"n": LONGEST})
    reader = _Reader(list(TOKEN.finditer(text)), find, custom or {})
    try:
        parts = reader.parts()
        words = " ".join(part.words for part in parts if part.words)
        rest = All(tuple(part.condition for part in parts if part.condition))
        return Search(text, words, parse(rest, custom), tuple(reader.chips))
    except BadCondition as error:
        raise BadSearch(str(error)) from None


@dataclass(frozen=True)
class _Part:
    """Of the top level: words for full text, or a condition."""

    words: str = ""
    condition: Condition | None = None


@dataclass
class _Reader:
    tokens: list[re.Match[str]]
    find: Find
    custom: Kinds
    at: int = 0
    chips: list[tuple[str, Condition]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.tokens) > MOST:
            raise BadSearch(gettext("A search has at most %(n)s terms.") % {"n": MOST})

    def parts(self) -> list[_Part]:
        """Groups of terms that OR joins; a lone word is left to full text, which ranks and highlights it."""
        found: list[_Part] = []
        for group in self._groups(1):
            if len(group) > 1:
                either = Either(tuple(group))
                words = [_words(each) for each in group]
                found.append(_Part(" or ".join(words)) if all(words) else _Part(condition=either))
            else:
                found.append(_Part(_words(group[0])) if _words(group[0]) else _Part(condition=group[0]))
        if sum(" or " in part.words for part in found) and sum(bool(part.words) for part in found) > 1:
            return [_Part(condition=_as_condition(part)) for part in found]
        return found

    def _groups(self, depth: int) -> Iterator[list[Condition]]:
        if depth > DEEPEST:
            raise BadSearch(gettext("Parentheses lie at most %(n)s deep in each other.") % {"n": DEEPEST})
        group: list[Condition] = []
        joined = False
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token["close"]:
                if depth > 1:
                    break
                continue
            if token["or"]:
                joined = bool(group)
                continue
            if token["open"]:
                inner = All(tuple(_one(each) for each in self._groups(depth + 1)))
                term: Condition | None = Not(inner) if token["open"] == "-(" else inner
                term = term if inner.of else None
            else:
                term = self._term(token)
            if term is None:
                continue
            if group and not joined:
                yield group
                group = []
            group.append(term)
            joined = False
        if group:
            yield group

    def _term(self, token: re.Match[str]) -> Condition | None:
        key, value = token["key"], token["quoted"] if token["quoted"] is not None else token["word"]
        if not value.strip():
            return None
        name = (key or "").lower()
        if key and (name in KEYS or key in self.custom or f"fields.{name}" in self.custom):
            term = self._field(name, value.strip())
            self.chips.append((token[0], Not(term) if token["minus"] else term))
        else:
            words = f"{key}:{value}" if key else value
            term = Where("text", Operator.contains, f'"{words}"' if token["quoted"] is not None else words)
        return Not(term) if token["minus"] else term

    def _field(self, name: str, value: str) -> Condition:
        if name in {"is", "in", "has"}:
            known = HAS if name == "has" else IS
            if found := known.get(value.lower()):
                return found
            raise BadSearch(
                gettext("There is no “%(key)s:%(value)s”. Possible are: %(known)s.")
                % {"key": name, "value": value, "known": ", ".join(known)}
            )
        key = KEYS.get(name)
        if key is None:
            return self._custom(name if name in self.custom else f"fields.{name}", value)
        if name == "from" and "@" not in value:
            return Where("requester_called", Operator.contains, value)
        if key.operator and FIELDS[key.field].sort not in {Sort.one, Sort.several}:
            return parse(Where(key.field, key.operator, value), None)
        return self._named(name, key, value)

    def _named(self, name: str, key: Key, value: str) -> Condition:
        known = FIELDS[key.field]
        if value.lower() in NOBODY:
            return Where(key.field, Operator.is_empty)
        if value.lower() in known.special:
            return Where(key.field, Operator.is_, value.lower())
        if known.sort is Sort.choice:
            return parse(Where(key.field, Operator.is_, value.lower()), None)
        if name == "status" and value.lower() in FIELDS["category"].choices:
            return Where("category", Operator.is_, value.lower())
        ids = self.find(known.of, value)
        if not ids:
            raise BadSearch(
                gettext("There is no %(key)s called “%(value)s”.") % {"key": name, "value": value}
            )
        return Where(key.field, Operator.any_of, list(ids))

    def _custom(self, name: str, value: str) -> Condition:
        """Custom fields by key: text contains, everything else is."""
        if value.lower() in NOBODY:
            return Where(name, Operator.is_empty)
        sort = CUSTOM_SORTS[self.custom[name]]
        operator = {Sort.text: Operator.contains, Sort.names: Operator.any_of}.get(sort, Operator.is_)
        return parse(Where(name, operator, value), self.custom)


def _one(group: list[Condition]) -> Condition:
    return group[0] if len(group) == 1 else Either(tuple(group))


def _words(condition: Condition) -> str:
    if isinstance(condition, Where) and condition.field == "text":
        return str(condition.value)
    return ""


def _as_condition(part: _Part) -> Condition:
    return part.condition or Where("text", Operator.contains, part.words)
