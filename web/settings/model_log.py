"""What left the desk for language models: each call as it was sent, masked."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from ai.providers import Purpose, figures
from ai.providers.purposes import NAMES
from helpdesk import options
from helpdesk.access import Action
from helpdesk.errors import NotFound
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done

HOME = "/settings/models/log"
MAY = permits(Action.manage_desk)
SHOWN = 50


class KeepForm(Fields):
    days: Annotated[int, Meta(ge=0, le=400)]


class ModelLog(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        about: Annotated[str, QueryParameter(max_length=40)] = "",
        purpose: Annotated[str, QueryParameter(max_length=40)] = "",
        before: Annotated[int, QueryParameter(ge=0, le=2**63 - 1)] = 0,
    ) -> Html:
        chosen = next((one for one in Purpose if one == purpose), None)
        digits = "".join(c for c in about if c.isascii() and c.isdigit())[:15]
        found = await figures.log(
            session,
            agent,
            ticket_number=int(digits or -1) if about.strip() else None,
            purpose=chosen,
            before=before,
            limit=SHOWN + 1,
        )
        return await settings(
            "settings/models/log.html",
            calls=found[:SHOWN],
            more=found[SHOWN - 1][0].id if len(found) > SHOWN else None,
            about=about.strip(),
            purpose=chosen,
            names=NAMES,
            days=(await options.load(session)).model_log_days,
        )

    @post("/keeping", opt=MAY)
    async def keep(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, KeepForm)
        await options.change(session, by=agent, model_log_days=given.days)
        return done(request, HOME)

    @get("/{call_id:int}", opt=MAY)
    async def show(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, call_id: FromPath[int]
    ) -> Html:
        found = await figures.one(session, agent, call_id) if call_id < 2**63 else None
        if found is None:
            raise NotFound
        call, number = found
        return await settings("settings/models/call.html", call=call, number=number, names=NAMES)
