"""Rules: when something happens and a condition holds, the desk does something by itself."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.rules import Rule, shelf
from helpdesk.rules.foreseeing import Foreseen, foresee
from web.auth import permits
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html, Page
from web.rules import drafts, examples, words
from web.rules.drafts import Draft
from web.rules.editing import Editor
from web.rules.foretold import foretold
from web.rules.ran import NEVER, Ran, ran
from web.settings.frame import DONE, ThisSettings, confirmed, done

HOME = "/settings/rules"
MAY = permits(Action.manage_rules)
DONE |= {
    "rule-kept": _("Kept, and switched off. Look at what it would have done, then switch it on."),
    "rule-on": _("Switched on. From now on it is asked."),
    "rule-off": _("Switched off. It is not asked any more."),
}


class PlaceForm(Fields):
    go: str = ""


class SwitchForm(Fields):
    to: Literal["on", "off", ""] = ""
    """What the page offered: pressed twice, or after a colleague, it does not do the opposite."""


class RemovalForm(Fields):
    confirmation: str = ""


@dataclass(frozen=True)
class Row:
    """A rule in the list."""

    rule: Rule
    sentence: words.Sentence
    ran: Ran


class Rules(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        return await settings(
            "settings/rules/index.html",
            rows=await _rows(session, agent),
            examples=examples.tiles(),
        )

    @get("/new", opt=MAY)
    async def new(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, example: FromQuery[str] = ""
    ) -> Html:
        editor = await Editor.load(session, agent)
        draft = examples.draft(example, editor) if example else editor.empty()
        return await settings("settings/rules/edit.html", **await editor.page(Rule(), draft))

    @post("/form", opt=MAY, status_code=200)
    async def form(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        settings: ThisSettings,
    ) -> Html:
        """A part of the form after a button or a choice, and the rule as a sentence as far as it goes."""
        editor = await Editor.load(session, agent)
        draft = drafts.read(await request.form())
        part = next((part for part in ("when", "do", "builder") if page.asks_for(part)), "")
        if part:
            return page(f"settings/rules/_part_{part}.html", **await editor.part(draft))
        return await settings(
            "settings/rules/edit.html", **await editor.page(await _sent(request, session), draft)
        )

    @post("/trial", opt=MAY, status_code=200)
    async def trial(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        settings: ThisSettings,
    ) -> Html:
        """What the rule in the form would have done; nothing of it is kept."""
        editor = await Editor.load(session, agent)
        draft = drafts.read(await request.form())
        found, problem = await _tried(session, agent, editor, draft)
        context = await foretold(editor, found, problem)
        if page.is_partial:
            return page("settings/rules/_foreseen.html", **context)
        rule = await _sent(request, session)
        return await settings(
            "settings/rules/edit.html", **await editor.page(rule, draft, tried=True) | context
        )

    @post(opt=MAY)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, settings: ThisSettings
    ) -> Response[Any]:
        return await _kept(request, session, agent, settings, None)

    @post("/order", opt=MAY, status_code=200)
    async def order(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Response[Any]:
        """All of them in the order in which they were put; one that is not named stays behind the others."""
        sent = (await request.form()).getall("rule", [])
        numbers = [
            int(each) for each in sent if str(each).isascii() and str(each).isdigit() and len(each) < 19
        ]
        await shelf.reorder(session, numbers, by=agent)
        return await _listed(request, session, agent, page)


class OneRule(Controller):
    path = f"{HOME}/{{rule_id:int}}"

    @get(opt=MAY)
    async def show(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, rule_id: FromPath[int]
    ) -> Html:
        rule = await shelf.one(session, rule_id)
        editor = await Editor.load(session, agent)
        return await settings(
            "settings/rules/edit.html", **await editor.page(rule, drafts.of(rule, agent.time_zone))
        )

    @post(opt=MAY)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        rule_id: FromPath[int],
    ) -> Response[Any]:
        return await _kept(request, session, agent, settings, await shelf.one(session, rule_id))

    @get("/try", opt=MAY)
    async def look(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, rule_id: FromPath[int]
    ) -> Html:
        """Before it is switched on. What it would have done is asked for by the page itself."""
        rule = await shelf.one(session, rule_id)
        editor = await Editor.load(session, agent)
        return await settings(
            "settings/rules/try.html", rule=rule, sentence=editor.sentence(rule), foreseen=None
        )

    @get("/dry-run", opt=MAY)
    async def dry_run(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        settings: ThisSettings,
        rule_id: FromPath[int],
    ) -> Html:
        rule = await shelf.one(session, rule_id)
        editor = await Editor.load(session, agent)
        found, problem = await _looked(session, agent, rule)
        context = await foretold(editor, found, problem)
        if page.is_partial:
            return page("settings/rules/_foreseen.html", **context)
        return await settings("settings/rules/try.html", rule=rule, sentence=editor.sentence(rule), **context)

    @post("/switch", opt=MAY, status_code=200)
    async def switch(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        rule_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, SwitchForm)
        rule = await shelf.one(session, rule_id, lock=True)
        await shelf.switch(session, rule, given.to == "on" if given.to else not rule.active, by=agent)
        if page.asks_for("rules"):
            return await _listed(request, session, agent, page)
        return done(request, HOME, "rule-on" if rule.active else "rule-off")

    @post("/place", opt=MAY, status_code=200)
    async def place(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        rule_id: FromPath[int],
    ) -> Response[Any]:
        """One place up or down in the order in which rules are asked."""
        given = await read(request, PlaceForm)
        order = [rule.id for rule in await shelf.all_rules(session)]
        await shelf.one(session, rule_id)
        at = order.index(rule_id)
        to = min(max(at + (-1 if given.go == "up" else 1), 0), len(order) - 1)
        order[at], order[to] = order[to], order[at]
        await shelf.reorder(session, order, by=agent)
        return await _listed(request, session, agent, page)

    @post("/removal", opt=MAY)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, rule_id: FromPath[int]
    ) -> Response[Any]:
        given = await read(request, RemovalForm)
        rule = await shelf.one(session, rule_id)
        confirmed(given.confirmation, rule.name)
        await shelf.remove(session, rule, by=agent)
        return done(request, HOME, "removed")


async def _kept(
    request: Request[Any, Any, Any], session: AsyncSession, agent: Agent, settings: Any, rule: Rule | None
) -> Response[Any]:
    """Kept, or the form again as it was typed, with what is wrong where it stands."""
    editor = await Editor.load(session, agent)
    draft = drafts.read(await request.form())
    wanted = drafts.given(draft, editor.known)
    if wanted is not None:
        try:
            async with session.begin_nested():
                kept = await shelf.keep(session, rule, wanted, by=agent)
            at = f"{HOME}/{kept.id}"
            return done(request, at if rule else f"{at}/try", "saved" if rule else "rule-kept")
        except HelpdeskError as error:
            drafts.blame(draft, error)
    page = await editor.page(rule or Rule(), draft, tried=True)
    return await settings("settings/rules/edit.html", status=400, **page)  # type: ignore[no-any-return]


async def _tried(
    session: AsyncSession, agent: Agent, editor: Editor, draft: Draft
) -> tuple[Foreseen | None, str]:
    """What the rule in the form would have done, or what is wrong with it."""
    wanted = drafts.given(draft, editor.known)
    if wanted is None:
        return None, next(iter(draft.problems.values()))
    try:
        named = replace(wanted, name=wanted.name.strip() or "…")
        return await _looked(session, agent, await shelf.checked(session, named, by=agent))
    except HelpdeskError as error:
        drafts.blame(draft, error)
        return None, str(error)


async def _looked(session: AsyncSession, agent: Agent, rule: Rule) -> tuple[Foreseen | None, str]:
    try:
        return await foresee(session, rule, agent=agent), ""
    except HelpdeskError as error:
        return None, str(error)


async def _sent(request: Request[Any, Any, Any], session: AsyncSession) -> Rule:
    """The rule that the form is of; a new one where it is of none."""
    number = str((await request.form()).get("rule", ""))
    known = number.isascii() and number.isdigit() and len(number) < 19
    return await shelf.one(session, int(number)) if known else Rule()


async def _rows(session: AsyncSession, agent: Agent) -> list[Row]:
    editor = await Editor.load(session, agent)
    times = await ran(session)
    return [
        Row(rule, editor.sentence(rule), times.get(rule.id, NEVER)) for rule in await shelf.all_rules(session)
    ]


async def _listed(
    request: Request[Any, Any, Any], session: AsyncSession, agent: Agent, page: Page
) -> Response[Any]:
    """The list as it is now, or the page itself for a plain form."""
    if not page.is_partial:
        return Redirect(HOME, status_code=303)
    return page("settings/rules/_list.html", rows=await _rows(session, agent))
