"""The desk's configuration as a file: taken along, compared with what is, put in place."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from msgspec import Meta

from helpdesk import configuring
from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.configuring import SECTIONS, Plan, Refused, What
from helpdesk.configuring.documents import LARGEST
from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _
from helpdesk.people import Agent
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, files, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings

DONE["configured"] = _("The file is in place.")
SEES = permits(Action.manage_desk)
CHANGES = permits(Action.manage_desk, confirmed=True)
TYPED = 6 * LARGEST  # as a form sends it
NAMES: dict[str, Text] = {
    "tags": _("Tags"),
    "types": _("Types"),
    "statuses": _("Statuses"),
    "calendars": _("Calendars"),
    "policies": _("SLA policies"),
    "macros": _("Macros that are shared"),
    "views": _("Views that are shared"),
    "rules": _("Rules"),
}
WORDS: dict[What, Text] = {
    What.added: _("Added"),
    What.changed: _("Changed"),
    What.removed: _("Removed"),
    What.moved: _("Other order"),
}


class FileForm(Fields):
    text: Annotated[str, Meta(max_length=LARGEST)] = ""
    prune: bool = False


class Configuration(Controller):
    path = "/settings/data/configuration"

    @get(opt=SEES)
    async def show(self, settings: ThisSettings, agent: CurrentAgent) -> Html:
        return await settings("settings/data/configuration.html", sections=_offered(agent))

    @get("/file", opt=SEES)
    async def file(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[str]:
        """`?only=rules&only=macros`: some sections; all that the agent may arrange otherwise."""
        only = [name for name in request.query_params.getall("only", []) if name in NAMES]
        text = await configuring.written(session, by=agent, only=only)
        name = f"helpdesk-{'-'.join(only) if 0 < len(only) < 3 else 'configuration'}-{now():%Y-%m-%d}.yaml"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(text, media_type="application/yaml; charset=utf-8", headers=headers)

    @post("/plan", opt=SEES, request_max_body_size=TYPED)
    async def plan(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, settings: ThisSettings
    ) -> Html:
        """Compares and changes nothing."""
        form, text = await _given(request)
        try:
            found: Plan | None = await configuring.plan(session, text, by=agent, prune=form.prune)
            problem = ""
        except Invalid as error:
            found, problem = None, str(error)
        return await _planned(settings, agent, found, text, form.prune, problem)

    @post("/apply", opt=CHANGES, request_max_body_size=TYPED)
    async def apply(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, settings: ThisSettings
    ) -> Html:
        """All of it or nothing; what was before is offered as a file to go back to."""
        form, text = await _given(request)
        before = await configuring.written(session, by=agent)
        try:
            found = await configuring.apply(session, text, by=agent, prune=form.prune)
        except Refused as refused:
            return await _planned(settings, agent, refused.plan, text, form.prune, str(refused))
        return await settings(
            "settings/data/configured.html", plan=found, words=WORDS, names=NAMES, before=before
        )


async def _given(request: Request[Any, Any, Any]) -> tuple[FileForm, str]:
    """The form, and what was uploaded or else typed. Raises Invalid."""
    form = await read(request, FileForm, besides=("file",))  # which browsers send empty where none was chosen
    uploads = await files(request, "file")
    if not uploads:
        return form, form.text
    if len(uploads[0].content) > LARGEST:
        raise configuring.BadDocument(str(_("The file is too large: at most two million characters.")))
    return form, uploads[0].content.decode("utf-8-sig", errors="replace")


async def _planned(
    settings: ThisSettings, agent: Agent, plan: Plan | None, text: str, prune: bool, problem: str
) -> Html:
    return await settings(
        "settings/data/configuration.html",
        status=422 if problem else 200,
        sections=_offered(agent),
        plan=plan,
        text=text,
        prune=prune,
        problem=problem,
        words=WORDS,
        names=NAMES,
    )


def _offered(agent: Agent) -> list[tuple[str, Text]]:
    return [(section.name, NAMES[section.name]) for section in SECTIONS if may(agent, section.needs)]
