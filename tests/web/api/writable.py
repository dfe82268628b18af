"""Which strings the document of the API lets programs write, and which of them are free text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SEVERAL_LINES = {"text", "body", "notes", "description", "comment", "fields.*"}
"""All others are one line: what parts words, line breaks too, becomes one space."""
UNLIMITED = 2_000  # characters for a field whose limit the document does not say

NOT_TEXT = {
    "address": "an e-mail address",
    "cc.[]": "an e-mail address",
    "email": "an e-mail address",
    "to.[]": "an e-mail address",
    "domain": "a domain's name",
    "url": "a web address",
    "language": "a code that is known",
    "time_zone": "a name that is known",
    "zone": "a name that is known",
    "period": "names a period",
    "measure": "names a measure",
    "measures.[]": "names a measure",
    "key": "names a line of a report",
    "scope.channels.[]": "names a channel",
    "ticket_prefix": "up to five signs without blanks",
    "pattern": "a regular expression",
    "value": "an address or a number, of the kind that the identity is",
    "assignee": "names a colleague",
    "agent": "names a colleague",
    "to": "names a colleague",
    "channel": "names a channel",
    "company": "names a company",
    "custom_role": "names a role",
    "inbox": "names an inbox",
    "into": "names a tag",
    "mapping.[]": "names columns",
    "policy": "names a policy",
    "status": "names a status",
    "team": "names a team",
    "type": "names a type",
    "add_tags.[]": "names tags, as `tags` does, which is tried",
    "remove_tags.[]": "names tags",
    "actions.[].*": "a closed language with tests of its own",
    "triggers.[].*": "a closed language with tests of its own",
    "POST /rules/dry-run name": "keeps nothing",
    "POST /rules/dry-run description": "keeps nothing",
    "folder": "names, parted by slashes",
    "POST /macros text": "a language with placeholders, which has tests of its own",
    "PUT /macros/{macro_id} text": "a language with placeholders, which has tests of its own",
    "words": "a language with placeholders, which has tests of its own",
    "schedule.at": "a time of day",
    "when.at": "a time of day",
    "when.zone": "a name that is known",
    "schedule.zone": "a name that is known",
    "remind_text": "a language with placeholders, which has tests of its own",
    "resolve_text": "a language with placeholders, which has tests of its own",
    "country": "a code that is known",
    "subdivision": "a code that is known",
    "categories.[]": "names that are known",
    "worked.[]": "days and names of holidays",
    "own_holidays.[].day": "a day",
    "week.monday.[].[]": "a time of day",
    "week.tuesday.[].[]": "a time of day",
    "week.wednesday.[].[]": "a time of day",
    "week.thursday.[].[]": "a time of day",
    "week.friday.[].[]": "a time of day",
    "week.saturday.[].[]": "a time of day",
    "week.sunday.[].[]": "a time of day",
    "feed_url": "a web address",
    "languages.[]": "codes of languages",
    "slug": "a part of an address",
    "channel_caps.*": "names of channels",
    "after": "only what a page said under `next`",
    "attachments.[]": "handles of uploads",
    "condition.*": "a closed language with tests of its own",
    "value.*": "what a bulk change does, by its kind",
    "settings.*": "what the channel says of each",
    "targets.*": "minutes by priority and promise",
    "pauses.*": "names of categories by promise",
    "POST /sla-policies/{policy_id}/preview name": "keeps nothing",
}
"""Field → why no free text is kept in it. Where that is so of one operation alone, it stands before it."""


@dataclass(frozen=True)
class Field:
    operation: str
    name: str
    longest: int

    @property
    def is_text(self) -> bool:
        return not {self.name, f"{self.operation} {self.name}"} & set(NOT_TEXT)

    @property
    def is_list(self) -> bool:
        return self.name.endswith("[]")

    def sent(self, value: Any) -> dict[str, Any]:
        """As a part of the body; a custom field is the one that `things` made."""
        name, _, rest = self.name.partition(".")
        if rest == "[].name":
            return {name: [{"day": "12-24", "name": value}]}
        return {name: {"naughty": value} if rest == "*" else value}

    def kept(self, text: str) -> str:
        """As the desk keeps it."""
        if self.name in SEVERAL_LINES:
            return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()
        return one_line(text)


def one_line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def fields(document: dict[str, Any]) -> Iterator[Field]:
    """Every free string that a body of the document can hold."""
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                found = dict(_strings(document, content["schema"]))
                yield from (Field(f"{method.upper()} {path}", *each) for each in found.items())


def _strings(document: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from _strings(document, choice, path)
    kind = schema.get("type")
    if kind == "string" and not {"enum", "const", "format"} & set(schema):
        yield path, schema.get("maxLength", UNLIMITED)
    elif kind == "array":
        for inner in [*schema.get("prefixItems", []), schema.get("items")]:
            if inner:  # false, where there are no more than the ones before
                yield from _strings(document, inner, f"{path}.[]")
    elif kind == "object" and "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from _strings(document, inner, f"{path}.{name}".lstrip("."))
    elif kind == "object":
        yield f"{path}.*", UNLIMITED
