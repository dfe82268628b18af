"""The one way to a language model: masked, within its budget, and on record.

Around a model of any `Kind`: the call is entered before it is made, and its tokens, its cost and its time after it.
Each entry is a transaction of its own, so that a job that is rolled back has spent what it has spent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from sqlalchemy import update

from ai.masking import Mask, Restorer
from ai.providers.calls import Call, Record, State, spent
from ai.providers.connections import Connection
from ai.providers.purposes import Purpose
from ai.providers.usage import Usage, estimated
from ai.writing import ModelFailed
from helpdesk.clock import now
from helpdesk.database import Sessions, committed
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext
from helpdesk.ports import LanguageModel, Prompt
from helpdesk.texts import clean


class BudgetReached(ModelFailed):
    message = _("Today's budget for this language model is used up.")


class TooMuch(ModelFailed):
    message = _("This is more than the language model can hold at once.")


class Paused(ModelFailed):
    message = _("This language model is paused.")


@dataclass
class MeteredModel:
    name: str
    make: Callable[[], LanguageModel]
    """A bare model for one answer."""
    connection_id: int
    purpose: Purpose | None
    sessions: Sessions
    ticket_id: int | None = None
    names: Sequence[str] = ()
    """Of the people whose names are not to leave."""
    people: bool = False
    """Nor do those of others, where they can be told."""
    values: Sequence[str] = ()
    """Of the custom fields that are not to leave."""
    masks: bool = True

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Raises BudgetReached before anything is sent, ModelFailed where the model fails."""
        inner, mask = self.make(), Mask(self.names, self.values, self.people)
        sent = _masked(prompt, mask) if self.masks else prompt
        back = Restorer(mask, in_json=prompt.schema is not None)
        call = await self._entered(sent, mask)
        sent = replace(sent, max_tokens=call.tokens_out)
        begun, first, parts = monotonic(), None, list[str]()
        trouble = gettext("It was broken off.")
        try:
            async for part in inner.stream(sent):
                first = first or monotonic()
                parts.append(part)
                if restored := back.more(part):
                    yield restored
            trouble = ""
            if rest := back.rest():
                yield rest
        except HelpdeskError as error:
            trouble = str(error)
            raise
        except TimeoutError:
            trouble = gettext("The language model took too long.")
            raise ModelFailed(trouble) from None
        finally:
            call.first_ms = round((first - begun) * 1000) if first else None
            call.took_ms = round((monotonic() - begun) * 1000)
            usage = getattr(inner, "usage", None) or Usage()
            await asyncio.shield(self._finished(call, usage, "".join(parts), trouble))

    async def _entered(self, prompt: Prompt, mask: Mask) -> Call:
        """With all that it could come to, while nobody else enters one."""
        async with committed(self.sessions) as session:
            connection = await session.get(Connection, self.connection_id, with_for_update=True)
            if connection is None or not connection.active:
                raise Paused
            if (await spent(session, connection)).exceeds(connection):
                raise BudgetReached
            tokens_in, tokens_out = estimated(prompt.system + prompt.user), prompt.max_tokens
            if tokens_in + tokens_out > connection.context:  # half of the usual room is enough mostly
                tokens_out = connection.context - tokens_in
            if tokens_out < prompt.max_tokens / 2:
                raise TooMuch
            call = Call(
                connection_id=connection.id,
                connection_name=connection.name,
                model=connection.model,
                purpose=self.purpose,
                ticket_id=self.ticket_id,
                state=State.running,
                left=connection.leaves,
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                cost=connection.cost(tokens_in, tokens_out),
                masked=mask.counts,
            )
            session.add(call)
            await session.flush()
            if connection.keeps_texts:
                session.add(
                    Record(
                        call_id=call.id, ticket_id=self.ticket_id, system=prompt.system, prompt=prompt.user
                    )
                )
            return call

    async def _finished(self, call: Call, usage: Usage, answer: str, trouble: str) -> None:
        tokens_in = usage.tokens_in if usage.tokens_in is not None else call.tokens_in
        tokens_out = usage.tokens_out if usage.tokens_out is not None else estimated(answer)
        async with committed(self.sessions) as session:
            connection = await session.get(Connection, self.connection_id)
            await session.execute(
                update(Call)
                .where(Call.id == call.id)
                .values(
                    state=State.failed if trouble else State.answered,
                    trouble=trouble,
                    tokens_in=tokens_in,
                    tokens_out=tokens_out,
                    cost=connection.cost(tokens_in, tokens_out) if connection else call.cost,
                    first_ms=call.first_ms,
                    took_ms=call.took_ms,
                )
            )
            await session.execute(
                update(Record).where(Record.call_id == call.id).values(answer=clean(answer))
            )
            if connection:
                _noted(connection, trouble)


def _noted(connection: Connection, trouble: str) -> None:
    since: datetime | None = (connection.trouble_since or now()) if trouble else None
    connection.trouble, connection.trouble_since = trouble, since


def _masked(prompt: Prompt, mask: Mask) -> Prompt:
    return replace(prompt, system=mask.masked(clean(prompt.system)), user=mask.masked(clean(prompt.user)))
