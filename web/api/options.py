"""What a desk chooses for all of it."""

from typing import Annotated, Any
from zoneinfo import available_timezones

from litestar import Controller, Request, get, patch
from msgspec import UNSET, Meta, UnsetType

from helpdesk import options
from helpdesk.access import Action
from helpdesk.options import Options as Chosen
from web.api import choices
from web.api.given import Given, Patch
from web.api.shapes import Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.settings.me import LANGUAGES

MANAGES = permits(Action.manage_desk)
DeskName = Annotated[str, Meta(max_length=80, examples=["Lumen Support"])]
Prefix = Annotated[str, Meta(max_length=12, pattern=r"^[^\s<>&\"']*$", examples=["#"])]
Zone = Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])]
Language = Annotated[str, Meta(max_length=12, examples=["en"])]


class OptionsView(Shape):
    desk_name: DeskName
    """Empty: the name of the first inbox, which customers know."""
    ticket_prefix: Prefix
    language: Language
    """What new colleagues start with."""
    time_zone: Zone
    take_copies: bool
    """People in copy of a mail whose sender is proved come into copy of its ticket."""
    articles_reviewed: bool
    """No text of an article is published that a colleague has not approved."""

    @classmethod
    def of(cls, chosen: Chosen) -> "OptionsView":
        return cls(**{name: getattr(chosen, name) for name in cls.__struct_fields__})


class OptionsPatch(Patch):
    desk_name: DeskName | UnsetType = UNSET
    ticket_prefix: Prefix | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    time_zone: Zone | UnsetType = UNSET
    take_copies: bool | UnsetType = UNSET
    articles_reviewed: bool | UnsetType = UNSET


class DeskOptions(Controller):
    path = "/options"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=MANAGES, summary="Show the desk's options")
    async def show(self, session: Session) -> OptionsView:
        return OptionsView.of(await options.load(session))

    @patch(opt=MANAGES, summary="Change the desk's options")
    async def change(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        given: Given[OptionsPatch],
    ) -> OptionsView:
        values = given.given()
        for name, known in (("language", LANGUAGES), ("time_zone", available_timezones())):
            if name in values and values[name] not in known:
                raise choices.unknown(name, values[name])
        if "desk_name" in values:
            values["desk_name"] = " ".join(values["desk_name"].replace("\x00", "").split())
        after = await options.change(session, by=agent, **values)
        request.app.state.signboard.forget()
        return OptionsView.of(after)
