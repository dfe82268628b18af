"""How states, readers and languages of articles are called."""

from babel import Locale, UnknownLocaleError

from helpdesk.i18n import gettext
from kb.articles import Article, Audience, State


def state_name(state: State) -> str:
    return {
        State.draft: gettext("Draft"),
        State.review: gettext("In review"),
        State.published: gettext("Published"),
        State.archived: gettext("Archived"),
    }[state]


def state_of(article: Article) -> tuple[str, str]:
    """What its chip says, and in which tone."""
    if article.is_scheduled:
        return gettext("Scheduled"), "accent"
    return state_name(article.state), {
        State.draft: "",
        State.review: "warn",
        State.published: "good",
        State.archived: "",
    }[article.state]


def audience_name(audience: Audience) -> str:
    return {
        Audience.public: gettext("Everybody"),
        Audience.customers: gettext("Signed-in customers"),
        Audience.companies: gettext("Named companies"),
        Audience.internal: gettext("Only colleagues"),
    }[audience]


def audience_hint(audience: Audience) -> str:
    return {
        Audience.public: gettext("Also people without an account, and search engines."),
        Audience.customers: gettext("Whoever has signed in as a customer."),
        Audience.companies: gettext("Signed-in customers of the companies that you name."),
        Audience.internal: gettext("It is never quoted to a customer."),
    }[audience]


def locale_name(code: str, shown_in: str = "en") -> str:
    """`de` → `German`, in the language of who reads; the code itself where it is none that Babel knows."""
    try:
        name = Locale.parse(code, sep="-").get_display_name(shown_in.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return code
    return (name[:1].upper() + name[1:]) if name else code


AUDIENCE_ICONS = {
    Audience.public: "globe",
    Audience.customers: "user-check",
    Audience.companies: "building-2",
    Audience.internal: "lock",
}
GLOBALS = {
    "article_state": state_of,
    "state_name": state_name,
    "audience_name": audience_name,
    "audience_hint": audience_hint,
    "audience_icon": AUDIENCE_ICONS.__getitem__,
    "locale_name": locale_name,
}
"""What the templates of articles call."""
