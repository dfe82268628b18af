"""What one chat is set to. Flat, so that `--set` can fill it; its page in the settings shows it whole."""

import re
from datetime import datetime
from typing import ClassVar, Literal

import msgspec

ORIGIN = re.compile(r"https?://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?", re.IGNORECASE)
COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
Asking = Literal["no", "optional", "required"]


class ChatSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    origins: str = ""
    """The sites that may show it, separated by spaces: `https://www.example.com`. Empty: none."""
    accent: str = "#3f5bd8"
    side: Literal["right", "left"] = "right"
    logo: str = ""
    """A small picture as a data address."""
    title: str = ""
    """What stands at its top; empty: the inbox's name."""
    greeting: str = ""
    reply_time: str = ""
    """When an answer can be expected, in the company's own words."""
    away_words: str = ""
    """What is said outside the hours."""
    calendar: int = 0
    """The business calendar by which somebody is there; 0: no hours are told."""
    launcher: str = ""
    """Words beside the button; empty: the button alone."""
    ask_name: Asking = "no"
    ask_email: Asking = "optional"
    ask_fields: str = ""
    """Keys of the tickets' custom fields that are asked for before the first message, separated by spaces."""
    anonymous: bool = True
    """Whether people may write whom the site has not vouched for."""
    puzzle: Literal["off", "busy", "always"] = "off"
    """When the browser of somebody unknown has to solve a small puzzle first."""
    files: bool = True
    articles: bool = True
    """Whether the help centre can be searched in it."""
    help_centre: int = 0
    """Whose articles; 0: of the help centre that has this inbox among its own, else of the desk's first one."""
    rating: bool = True
    """Whether people are asked how it was when a conversation is over."""
    jwt_key: str = ""
    """What the site signs with who somebody is. Empty: nobody is vouched for."""
    jwt_key_before: str = ""
    """The key before, good until `jwt_key_before_until`, so that sites can change theirs at leisure."""
    jwt_key_before_until: str = ""
    sound: bool = True
    """Whether an answer can be heard; visitors can switch it off for themselves."""
    answerer_takes: bool = True
    """Whether a conversation that nobody has becomes the colleague's who answers first."""
    mail_through: int = 0
    """The inbox that answers are mailed from to people who have left; 0: they are not mailed."""
    mail_after: int = 10
    """Minutes after which somebody counts as having left."""

    elsewhere: ClassVar[bool] = True
    """A page of their own shows these settings, and not the form that every channel has."""

    def keys(self, now: datetime) -> list[str]:
        """Those that are good at this time."""
        good = self.jwt_key_before_until and now.isoformat() < self.jwt_key_before_until
        return [key for key in (self.jwt_key, self.jwt_key_before if good else "") if key]

    @property
    def sites(self) -> list[str]:
        """Those that are ones: what else stands there must not change a policy."""
        return [each for each in re.split(r"[\s,]+", self.origins) if ORIGIN.fullmatch(each)]
