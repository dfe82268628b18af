"""Vectors that a server makes are calls like any other: entered before they are made, counted, within a budget a day.

Their texts are not kept: passages of articles and letters, masked, that the desk still has; a copy would outlive a
letter that is erased, because a vector's text is nobody's in particular.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import func, select, text, update

from ai.embedding.models import ModelNotReady
from ai.masking import Mask
from ai.providers.calls import Call, State, midnight
from ai.providers.purposes import Purpose
from ai.providers.usage import estimated
from helpdesk.database import Sessions, committed
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext


class VectorsSpent(ModelNotReady):
    message = _(
        "Today's budget for vectors of another machine (HELPDESK_REMOTE_EMBEDDING_DAILY_TOKENS) is used up: nothing is "
        "found by its meaning until midnight."
    )


@dataclass
class Counted:
    """What a server says that it read; None where it does not say."""

    tokens: int | None = None


@dataclass(frozen=True)
class VectorMeter:
    sessions: Sessions
    """Transactions of their own, from no pool that whoever asks may have emptied."""
    host: str
    model: str
    daily_tokens: int | None = None

    @asynccontextmanager
    async def metered(self, texts: Sequence[str], masks: Sequence[Mask]) -> AsyncIterator[Counted]:
        """Around one request with these texts. Raises VectorsSpent before anything is sent."""
        number, tokens = await self._entered(texts, masks)
        counted, begun, trouble = Counted(), monotonic(), gettext("It was broken off.")
        try:
            yield counted
            trouble = ""
        except HelpdeskError as error:
            trouble = str(error)
            raise
        finally:
            async with committed(self.sessions) as session:
                await session.execute(
                    update(Call)
                    .where(Call.id == number)
                    .values(
                        state=State.failed if trouble else State.answered,
                        trouble=trouble,
                        tokens_in=tokens if counted.tokens is None else counted.tokens,
                        took_ms=round((monotonic() - begun) * 1000),
                    )
                )

    async def _entered(self, texts: Sequence[str], masks: Sequence[Mask]) -> tuple[int, int]:
        tokens = sum(map(estimated, texts))
        async with committed(self.sessions) as session:
            if self.daily_tokens is not None:
                await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('remote_embedding'))"))
                since = await midnight(session)
                used = select(func.coalesce(func.sum(Call.tokens_in), 0))
                used = used.where(Call.purpose == Purpose.embed, Call.created_at >= since)
                if (await session.scalar(used) or 0) >= self.daily_tokens:
                    raise VectorsSpent
            call = Call(
                connection_name=self.host,
                model=self.model,
                purpose=Purpose.embed,
                state=State.running,
                tokens_in=tokens,
                masked=dict(sum((Counter(mask.counts) for mask in masks), Counter())),
            )
            session.add(call)
            await session.flush()
            return call.id, tokens
