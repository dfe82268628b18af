"""The queue: which jobs there are, how they are put in with the work that caused them, and who runs them.

A job is deferred on the session's own connection, so that a rollback leaves neither the row nor the job.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, cast
from weakref import WeakKeyDictionary

import structlog
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.database import IDLE, committed, libpq_url
from helpdesk.desk import Desk
from helpdesk.events import Kind
from workers.outages import is_outage
from workers.wakeup import POLL

MAIL, AI = "mail", "ai"  # queues: what models do can never hold up the mail
WRITING = "writing"  # nor can a slow language model hold up the others
DATA = "data"  # nor can files that take minutes
ASSISTANT = "assistant"  # nor does a customer who waits for the assistant wait for an index
DELIVER, ASSIST, INDEX = "deliver", "assist", "index"
NOTIFY, LETTER = "notify", "letter"
LEAVE, BULK = "leave", "bulk"
SHARE = "share"
CONTACTS = "import_contacts"
KNOWLEDGE = "import_knowledge"
CARE = "care"
CALENDARS = "refresh_calendars"
RECKON = "reckon"
RULES, DRAFT = "rules", "draft"
WRITE = "write_draft"
TRY_MODELS = "try_models"
MEASURE = "measure"
EVALUATE, EVALUATIONS = "evaluate", "evaluations"  # a task and its queue: they take a minute
LEARN, ARTICLE = "learn", "write_article"
CONSIDER, ENGAGE, ANSWER, ACT = "consider", "engage", "answer", "act"

BEAT = 5.0  # seconds between a worker's signs of life
STALLED = 15.0  # seconds without one after which its jobs are given to others
GRACE = 15.0  # seconds that running jobs have to finish when the desk stops
WAIT = 8.0  # seconds for a connection; a desk whose database is gone for good ends within a few of these
LONGEST_WAIT = 600.0  # seconds between two tries of a job that fails for a reason of its own

log = structlog.get_logger(__name__)
Task = Callable[..., Awaitable[object]]


def delivery(message_id: int, ticket_id: int | None, at: datetime | None) -> Job:
    """Replies of one ticket share a lock, so they leave in the order in which they were written."""
    return Job(
        queue=MAIL,
        task_name=DELIVER,
        lock=f"ticket:{ticket_id}",
        queueing_lock=None,
        task_kwargs={"message_id": message_id},
        scheduled_at=at,
    )


def leaving(message_id: int, at: datetime | None) -> Job:
    """A reply that was written for later."""
    return Job(
        queue=MAIL,
        task_name=LEAVE,
        lock=f"message:{message_id}",
        queueing_lock=None,
        task_kwargs={"message_id": message_id},
        scheduled_at=at,
    )


def notice(event_ids: Sequence[int]) -> Job:
    """Tell the agents whom these events concern."""
    return Job(
        queue=MAIL,
        task_name=NOTIFY,
        lock=None,
        queueing_lock=None,
        task_kwargs={"event_ids": list(event_ids)},
    )


def letter(table: str, row_id: int, *, at: datetime | None = None) -> Job:
    """A mail to one of our own people, about this row."""
    return Job(
        queue=MAIL,
        task_name=LETTER,
        lock=f"letter:{table}:{row_id}",
        queueing_lock=None,
        task_kwargs={"table": table, "row_id": row_id},
        scheduled_at=at,
    )


def measuring(ticket_ids: Sequence[int]) -> Job:
    """Count these tickets anew."""
    return Job(
        queue=MAIL,
        task_name=MEASURE,
        lock=None,
        queueing_lock=None,
        task_kwargs={"ticket_ids": list(ticket_ids)},
    )


def gathered(jobs: Sequence[Job]) -> list[Job]:
    """One job for all events that agents are to hear of, one for all tickets that are counted anew, and one for
    all messages that the assistant may answer."""
    rest = [job for job in jobs if job.task_name not in {NOTIFY, MEASURE, CONSIDER}]
    if events := _named(jobs, NOTIFY, "event_ids"):
        rest.append(notice(events))
    if tickets := _named(jobs, MEASURE, "ticket_ids"):
        rest.append(measuring(list(dict.fromkeys(tickets))))
    if messages := _named(jobs, CONSIDER, "message_ids"):
        rest.append(considering(messages))
    return rest


def _named(jobs: Sequence[Job], task: str, name: str) -> list[int]:
    return [
        each for job in jobs if job.task_name == task for each in cast("list[int]", job.task_kwargs[name])
    ]


def reckoning(kind: Kind) -> Job:
    """Promises anew, because a policy or a calendar was edited; waits once for each of the two."""
    return Job(
        queue=MAIL,
        task_name=RECKON,
        lock=RECKON,
        queueing_lock=f"{RECKON}:{kind}",
        task_kwargs={"kind": kind.value},
    )


def draft(ticket_id: int) -> Job:
    """A rule asks the assistant for an answer to propose."""
    return Job(
        queue=AI,
        task_name=DRAFT,
        lock=None,
        queueing_lock=f"{DRAFT}:{ticket_id}",
        task_kwargs={"ticket_id": ticket_id},
    )


def considering(message_ids: Sequence[int]) -> Job:
    """Which of these messages are the assistant's to answer."""
    return Job(
        queue=MAIL,
        task_name=CONSIDER,
        lock=None,
        queueing_lock=None,
        task_kwargs={"message_ids": list(message_ids)},
    )


def engaging(ticket_id: int) -> Job:
    """Somebody asks the assistant to look at a ticket."""
    return Job(
        queue=MAIL, task_name=ENGAGE, lock=None, queueing_lock=None, task_kwargs={"ticket_id": ticket_id}
    )


def answering(run_id: int) -> Job:
    """Think about a message of a customer who waits."""
    return Job(
        queue=ASSISTANT, task_name=ANSWER, lock=None, queueing_lock=None, task_kwargs={"run_id": run_id}
    )


def writing(ticket_id: int) -> Job:
    """A language model puts the draft that is offered into its own words."""
    return Job(
        queue=WRITING,
        task_name=WRITE,
        lock=None,
        queueing_lock=f"{WRITE}:{ticket_id}",
        task_kwargs={"ticket_id": ticket_id},
    )


def writing_article(finding_id: int) -> Job:
    """A language model makes an article of what people answered."""
    return Job(
        queue=WRITING,
        task_name=ARTICLE,
        lock=None,
        queueing_lock=f"{ARTICLE}:{finding_id}",
        task_kwargs={"finding_id": finding_id},
    )


def coalesced(task: str, queue: str) -> Job:
    """However often it is asked for, it waits once and then does all there is to do."""
    return Job(queue=queue, task_name=task, lock=task, queueing_lock=task)


async def defer(session: AsyncSession, jobs: Sequence[Job]) -> None:
    """In the session's transaction; a coalesced job that waits already is left as it is."""
    plain = [job for job in jobs if job.queueing_lock is None]
    if plain:
        await _insert(session, plain)
    for lock in {job.queueing_lock for job in jobs if job.queueing_lock}:
        if not await _waits(session, lock):
            await _insert_once(session, next(job for job in jobs if job.queueing_lock == lock))


async def _insert_once(session: AsyncSession, job: Job) -> None:
    try:
        async with session.begin_nested():  # else the refusal would end the whole transaction
            await _insert(session, [job])
    except AlreadyEnqueued:
        pass  # somebody else was faster; that job has not begun, so it will see our work too


async def _waits(session: AsyncSession, queueing_lock: str) -> bool:
    query = text("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = :lock AND status = 'todo'")
    return await session.scalar(query, {"lock": queueing_lock}) is not None


async def _insert(session: AsyncSession, jobs: Sequence[Job]) -> None:
    raw = await (await session.connection()).get_raw_connection()
    await QUEUE.job_manager.batch_defer_jobs_async(list(jobs), connection=raw.driver_connection)


QUEUE = App(connector=PsycopgConnector())
"""Never opened: it only writes jobs into connections that others opened."""


class Later(Exception):
    """This job has nothing to do before `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"again at {at:%H:%M:%S}")
        self.at = at


class Patience(BaseRetryStrategy):
    """Never gives up: a job says itself when it is over. Waits 1, 2, 4 … 600 s after an unexpected failure."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        if isinstance(exception, Later):
            return RetryDecision(retry_at=exception.at)
        if isinstance(exception, asyncio.CancelledError):  # the desk stops: whoever comes next goes on
            return RetryDecision(retry_at=now())
        wait = min(2.0 ** min(job.attempts, 10), LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311 - jitter
        return RetryDecision(retry_at=now() + timedelta(seconds=wait))


class Crew:
    """Runs jobs of one queue in this process, and takes over those of workers that died."""

    def __init__(self, desk: Desk, queue: str, tasks: Mapping[str, Task], *, at_once: int) -> None:
        self.desk, self.queue, self.tasks, self.at_once = desk, queue, tasks, at_once
        self._running: set[int] = set()
        self._ours: set[int] = set()  # ids this process has worked under
        self._suspects: set[int] = set()

    async def work(self) -> None:
        """Until it is cancelled; then running jobs have GRACE seconds to finish."""
        app = self._app()
        async with app.open_async():
            await app.run_worker_async(
                queues=[self.queue],
                name=self.queue,
                concurrency=self.at_once,
                fetch_job_polling_interval=POLL,
                update_heartbeat_interval=BEAT,
                stalled_worker_timeout=STALLED,
                shutdown_graceful_timeout=GRACE,
                delete_jobs="successful",
                install_signal_handlers=False,
                worker_middleware=[self._noted],
            )

    def _app(self) -> App:
        app = App(
            connector=PsycopgConnector(
                conninfo=libpq_url(self.desk.database_url),
                min_size=1,
                max_size=self.at_once + 2,
                timeout=WAIT,
                pool_factory=_pool,
                configure=_alone,
                reset=_came_back,
                kwargs={"application_name": f"helpdesk jobs {self.queue}", "options": "-c timezone=UTC"},
            )
        )
        for name, task in self.tasks.items():
            app.task(name=name, queue=self.queue, retry=Patience())(task)
        return app

    async def _noted(self, process: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        job_id = context.job.id or 0
        self._ours.add(worker.worker_id or 0)
        self._running.add(job_id)
        try:
            return await process()
        except Later:
            raise
        except Exception as error:  # the queue will try again; that it had to is ours to tell
            if is_outage(error):
                log.warning("job postponed", job=context.job.task_name, error=str(error))
            else:
                log.exception("job failed", job=context.job.call_string)
            raise
        finally:
            self._running.discard(job_id)

    async def revive(self) -> None:
        """Every few seconds: give dead workers' jobs to the living."""
        while True:
            async with committed(self.desk.sessions) as session:
                await revive_stalled(session)
                self._suspects = await self._left_behind(session)
            await asyncio.sleep(BEAT)

    async def _left_behind(self, session: AsyncSession) -> set[int]:
        """Jobs that ended here but could not be marked so: the database was away at that moment.

        They are started again when they are found twice, since one may be about to be marked.
        """
        found = await session.scalars(
            text("SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(:ours)"),
            {"ours": list(self._ours)},
        )
        left = set(found) - self._running
        await _retry(session, left & self._suspects)
        return left - self._suspects


def _pool(**given: Any) -> AsyncConnectionPool[Any]:
    """The queue asks several times for each job: a connection is tried only where it has lain idle."""
    return AsyncConnectionPool(**given | {"check": _checked})


async def _alone(connection: AsyncConnection[Any]) -> None:
    """Each question to the queue is one statement, and so a transaction of its own."""
    await connection.set_autocommit(True)


async def _came_back(connection: AsyncConnection[Any]) -> None:
    _since[connection] = monotonic()


async def _checked(connection: AsyncConnection[Any]) -> None:
    if monotonic() - _since.get(connection, 0.0) > IDLE:
        await AsyncConnectionPool.check_connection(connection)


_since: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()
"""When each was given back."""


async def revive_stalled(session: AsyncSession, seconds: float = STALLED) -> int:
    """Jobs whose worker gave no sign of life for so long wait again; returns how many. Safe for many at once."""
    stalled = text("""
        SELECT job.id FROM procrastinate_jobs AS job
        WHERE status = 'doing' AND NOT EXISTS (
          SELECT FROM procrastinate_workers AS worker
          WHERE worker.id = job.worker_id AND last_heartbeat > now() - make_interval(secs => :seconds))
        FOR UPDATE SKIP LOCKED
    """)
    ids = (await session.scalars(stalled, {"seconds": seconds})).all()
    await _retry(session, ids)
    return len(ids)


async def _retry(session: AsyncSession, ids: Iterable[int]) -> None:
    """One whose like waits already is done with: it would do the same work, and the queue holds only one of them."""
    retry = text("SELECT procrastinate_retry_job_v2(:id, clock_timestamp(), NULL, NULL, NULL)")
    finish = text("SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)")
    for job_id in ids:
        try:
            async with session.begin_nested():
                await session.execute(retry, {"id": job_id})
        except IntegrityError:
            await session.execute(finish, {"id": job_id})
