"""What the assistant can do: functions of the desk's own, which only read, and signed calls to the company's programs.

A tool says itself whether it needs proof of who writes and whose word it needs before it is done. What it is called
with passes its schema; what it answers is a stranger's text, of which the customer gets single values in words that the
company wrote beforehand, never the answer itself.
"""

import json
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import re2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.checking import TO_MODELS, clean, stripped
from ai.assistant.decisions import UseTool
from ai.assistant.gathering import Offer
from ai.assistant.rows import Act, ActState, Confirmation, Run, Tool
from helpdesk import options
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.events import ASSISTANT, Event, Kind
from helpdesk.i18n import _, gettext, speaking
from helpdesk.statuses import Status
from helpdesk.tickets import Ticket
from helpdesk.webhooks.posting import signed_now

LONGEST_VALUE = 120  # characters of one value of an answer
READ = 16_000  # bytes of an answer
MOST_ARGUMENTS = 12
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


@dataclass(frozen=True)
class Result:
    done: bool
    words: str
    """For the customer where it was done, for colleagues where it was not."""


Function = Callable[[AsyncSession, Ticket, Mapping[str, Any]], Awaitable[str]]


@dataclass(frozen=True)
class BuiltIn:
    offer: Offer
    function: Function


async def my_tickets(session: AsyncSession, ticket: Ticket, _arguments: Mapping[str, Any]) -> str:
    """Of this contact and of nobody else."""
    prefix = (await options.load(session)).ticket_prefix
    rows = await session.execute(
        select(Ticket.number, Ticket.subject, Status.name, Status.customer_name)
        .join(Status, Status.id == Ticket.status_id)
        .where(Ticket.contact_id == ticket.contact_id, Ticket.removed.is_(None), Ticket.id != ticket.id)
        .order_by(Ticket.id.desc())
        .limit(5)
    )
    with speaking(ticket.language or ""):
        lines = [
            f"- {prefix}{number} {clean(' '.join(subject.split()))[:80]}: {gettext(customers or name)}"
            for number, subject, name, customers in rows
        ]
        return "\n".join(lines) or gettext("You have no other requests with us.")


BUILT_IN: dict[str, BuiltIn] = {
    "my_tickets": BuiltIn(
        Offer(
            name="my_tickets",
            description="The status of the customer's other requests. Takes no arguments.",
            examples=(
                "What is the status of my other tickets?",
                "Did you receive my earlier request, and what happened to it?",
                "Wie ist der Stand meiner anderen Anfragen?",
            ),
        ),
        my_tickets,
    )
}


async def offered(session: AsyncSession) -> list[Offer]:
    rows = await session.scalars(select(Tool).where(Tool.active).order_by(Tool.name))
    return [*(each.offer for each in BUILT_IN.values()), *(offer_of(tool) for tool in rows)]


def offer_of(tool: Tool) -> Offer:
    return Offer(
        name=tool.name,
        description=tool.description,
        examples=tuple(tool.examples),
        arguments=dict(tool.schema.get("properties", {})),
        required=tuple(tool.schema.get("required", ())),
    )


async def named(session: AsyncSession, name: str) -> Tool | None:
    return await session.scalar(select(Tool).where(Tool.name == name, Tool.active))


def needs_identity(tool: Tool | None) -> bool:
    """The desk's own are about the customer's own data."""
    return tool is None or tool.needs_identity or tool.confirmation is not Confirmation.none


def propose(ticket: Ticket, run: Run, name: str, arguments: Mapping[str, Any], state: ActState) -> Act:
    ticket.events.add(Event(Kind.assistant_acted, by=ASSISTANT, tool=name, state=state))
    return Act(
        ticket_id=ticket.id,
        run_id=run.id,
        tool=name,
        arguments=dict(arguments),
        state=state,
        idempotency_key=secrets.token_hex(16),
        result="",
    )


async def pending(session: AsyncSession, ticket: Ticket) -> Act | None:
    """What waits for proof, for the customer's word or for a colleague's."""
    return await session.scalar(
        select(Act)
        .where(
            Act.ticket_id == ticket.id,
            Act.state.in_([ActState.asked_proof, ActState.asked_customer, ActState.asked_agent]),
        )
        .order_by(Act.id.desc())
        .limit(1)
        .with_for_update()
    )


async def do(desk: Desk, act: Act) -> Result:
    """The call itself, with no transaction open meanwhile; never raises for what the other side does."""
    async with desk.sessions() as session:
        tool = await named(session, act.tool)
        ticket = await session.get_one(Ticket, act.ticket_id)
        if tool is None:
            if act.tool not in BUILT_IN:
                return Result(False, gettext("The tool was switched off meanwhile."))
            return Result(True, await BUILT_IN[act.tool].function(session, ticket, act.arguments))
    try:
        return await called(desk, tool, act, ticket)
    except HelpdeskError as error:  # a lost secret, too: the next call must not wait for this one
        return Result(False, str(error))


async def called(desk: Desk, tool: Tool, act: Act, ticket: Ticket) -> Result:
    body = json.dumps(
        {
            "tool": tool.name,
            "arguments": fitting(tool, act.arguments),
            "idempotency_key": act.idempotency_key,
            "ticket": ticket.number,
            "contact": {"id": ticket.contact_id, "verified": True if tool.needs_identity else None},
        },
        ensure_ascii=False,
    ).encode()
    headers = {
        "content-type": "application/json",
        "idempotency-key": act.idempotency_key,
        **signed_now([str(desk.keys.unseal(tool.sealed_secret))], act.idempotency_key, body),
    }
    answer = await desk.outbound.ask(
        "POST", tool.url, headers=headers, content=body, redirects=0, largest=READ, cut=True
    )
    if not 200 <= answer.status < 300:
        return Result(False, gettext("It answered %(status)s.") % {"status": answer.status})
    return told(tool, answer.text)


def told(tool: Tool, body: str) -> Result:
    """The company's own words with single values of the answer in them."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return Result(False, gettext("Its answer is no JSON."))
    if not isinstance(values, dict):
        return Result(False, gettext("Its answer is no JSON object."))
    words = tool.reply
    for name, value in values.items():
        if isinstance(value, str | int | float | bool):
            text, foreign = stripped(str(value))
            line = " ".join(text.split())[:LONGEST_VALUE]
            if "{" + str(name) + "}" in words and (foreign or TO_MODELS.search(text)):
                return Result(False, gettext("Its answer holds text that does not belong there."))
            words = words.replace("{" + str(name) + "}", line.replace("{", "(").replace("}", ")"))
    if re2.search(r"\{\w+\}", words):
        return Result(False, gettext("Its answer lacks a value that the reply needs."))
    return Result(True, words or gettext("Done."))


def fitting(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as the schema wants them; raises Invalid naming the one that does not fit."""
    properties: dict[str, Any] = tool.schema.get("properties", {})
    unknown = [name for name in given if name not in properties]
    missing = [name for name in tool.schema.get("required", []) if given.get(name) in (None, "")]
    if unknown or missing:
        raise BadArgument(", ".join(unknown + missing))
    found = {name: _value(name, properties[name], value) for name, value in given.items()}
    if tool.amount_field and tool.amount_limit is not None:
        amount = found.get(tool.amount_field)
        if (
            not isinstance(amount, int | float)
            or isinstance(amount, bool)
            or not 0 <= amount <= tool.amount_limit
        ):
            raise OverLimit(tool.amount_field, tool.amount_limit)
    return found


def _value(name: str, schema: Mapping[str, Any], value: Any) -> Any:
    kind = schema.get("type", "string")
    if kind in {"number", "integer"} and isinstance(value, str):
        try:
            value = int(value) if kind == "integer" else float(value.replace(",", "."))
        except ValueError:
            raise BadArgument(name) from None
    if kind == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        value = value.lower() == "true"
    if not isinstance(value, TYPES.get(kind, (str,))) or (isinstance(value, bool) and kind != "boolean"):
        raise BadArgument(name)
    if isinstance(value, float) and not math.isfinite(value):
        raise BadArgument(name)
    if isinstance(value, str) and (
        len(value) > schema.get("maxLength", 200)
        or ("pattern" in schema and not re2.fullmatch(schema["pattern"], value))
    ):
        raise BadArgument(name)
    if "enum" in schema and value not in schema["enum"]:
        raise BadArgument(name)
    if isinstance(value, int | float) and not (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
    ):
        raise BadArgument(name)
    return value


def readable_schema(schema: object) -> dict[str, Any]:
    """The part of JSON schema that is understood; raises Invalid with what is wrong."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise Invalid(_("The schema has to describe an object."))
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    if not isinstance(properties, dict) or len(properties) > MOST_ARGUMENTS:
        raise Invalid(_("A tool takes at most 12 arguments, named in `properties`."))
    for name, each in properties.items():
        if not isinstance(each, dict) or each.get("type", "string") not in TYPES:
            raise Invalid(
                gettext("%(name)s needs a type: string, number, integer or boolean.") % {"name": name}
            )
        if "enum" in each and not isinstance(each["enum"], list):
            raise Invalid(gettext("`enum` of %(name)s has to be a list.") % {"name": name})
        try:
            re2.compile(str(each.get("pattern", "")))
        except re2.error:
            raise Invalid(
                gettext("The pattern of %(name)s is no regular expression.") % {"name": name}
            ) from None
    if not isinstance(required, list) or not set(map(str, required)) <= set(properties):
        raise Invalid(_("`required` names an argument that is not there."))
    return {"type": "object", "properties": properties, "required": [str(each) for each in required]}


def finish(ticket: Ticket, act: Act, result: Result) -> None:
    act.state, act.ended_at = ActState.done if result.done else ActState.failed, now()
    act.result = result.words[:2_000]
    ticket.events.add(Event(Kind.assistant_acted, by=ASSISTANT, tool=act.tool, state=act.state))


def in_words(use: Act | UseTool, tool: Tool | None) -> str:
    """What a customer or a colleague is asked to allow."""
    given = ", ".join(f"{name}: {value}" for name, value in use.arguments.items())
    what = tool.description if tool and tool.description else use.tool
    return f"{what.rstrip('.')}{f' ({given})' if given else ''}"


class BadArgument(Invalid):
    def __init__(self, name: str) -> None:
        super().__init__(gettext("What was given for %(name)s does not fit the tool.") % {"name": name[:80]})


class OverLimit(Invalid):
    def __init__(self, name: str, limit: float) -> None:
        super().__init__(
            gettext("%(name)s has to lie between 0 and %(limit)s.") % {"name": name, "limit": f"{limit:g}"}
        )
