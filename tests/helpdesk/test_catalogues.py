"""What customers read is there in every language that we say they are spoken to in."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import read_po

from ai.assistant.phrases import says_no, says_yes, wants_person
from ai.assistant.wording import CATALOGUE as ASSISTANT
from ai.courtesy import CATALOGUE as COURTESY
from channels.email.wordings import ATTRIBUTION
from helpdesk import i18n
from tests.helpdesk.customer_words import PARTS, ROOT, Message, all_messages, said_in

LANGUAGES = [language for language in i18n.languages() if language != "en"]
PLACES = re.compile(r"\{\{.*?\}\}|%\(\w+\)[sd]|(?<!\{)\{\w*\}(?!\})")
COUNTED = {0, 1, 2}
"""Forms that say their number in a word: none, one, two."""


def catalogue(language: str) -> Catalog:
    with (ROOT / f"helpdesk/locales/{language}/LC_MESSAGES/helpdesk.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def translated(language: str) -> dict[Message, tuple[str, ...]]:
    entries = {
        entry.id if isinstance(entry.id, str) else tuple(entry.id): forms(entry)
        for entry in catalogue(language)
    }
    return {message: texts for message, texts in entries.items() if message}


def forms(entry: Entry) -> tuple[str, ...]:
    """One text, or one for each way to count."""
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())


def places(text: str) -> list[str]:
    """A name in a greeting may be left out: languages differ in whether it is polite."""
    return sorted(found for found in PLACES.findall(text) if not found.startswith("{{contact."))


def test_german_spanish_and_arabic_are_spoken():
    assert {"de", "es", "ar"} <= set(LANGUAGES)


def test_what_customers_read_in_part_of_a_file_still_stands_there():
    for file, messages in PARTS.items():
        assert set(messages) <= said_in(file), file


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_for_customers_is_translated(language: str):
    """Whoever adds a text to a page, the chat or a mail for customers adds it to each catalogue."""
    there, needed = translated(language), all_messages()
    missing = [message for message in needed if message not in there]
    assert not missing, f"helpdesk/locales/{language}/LC_MESSAGES/helpdesk.po lacks {missing}"
    assert not [message for message in there if message not in needed], "in a catalogue, but nowhere said"
    assert all(all(text.strip() for text in texts) for texts in there.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_hold_what_is_filled_in(language: str):
    for message, texts in translated(language).items():
        wanted = places(message if isinstance(message, str) else message[-1])
        for form, text in enumerate(texts):
            in_words = isinstance(message, tuple) and form in COUNTED and len(texts) > 2
            assert places(text) == wanted or (in_words and not places(text)), (message, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_whole_and_safe_to_show(language: str):
    """None is a guess, each plural has all its forms, and none brings a tag or ends an attribute of a page."""
    found = catalogue(language)
    assert not found.fuzzy
    for message in found:
        assert not message.fuzzy, message.id
        if message.id:
            assert not re.search(r"[<>\"]|&\w", "".join(forms(message))), message.id
        if isinstance(message.id, tuple | list):
            assert len(forms(message)) == found.num_plurals, message.id


def test_arabic_counts_in_six_ways():
    with i18n.speaking("ar"):
        said = {n: i18n.ngettext("%(num)s article", "%(num)s articles", n) for n in (0, 1, 2, 3, 11, 100)}
    assert len(set(said.values())) == 6


def test_a_language_is_found_by_any_of_its_names():
    assert [i18n.known(name) for name in ("de", "de-AT", "DE_ch", "fr", "", "../de")] == [
        *("de", "de", "de"),
        *("en", "en", "en"),
    ]
    assert [i18n.direction(name) for name in ("ar", "ar-EG", "de", "")] == ["rtl", "rtl", "ltr", "ltr"]


def test_customers_are_spoken_to_in_their_language_and_colleagues_in_whole_sentences_of_one():
    with i18n.speaking("es-MX"):
        assert (i18n.gettext("Send"), i18n.spoken()) == ("Enviar", "es")
        with i18n.speaking("fr"):
            assert (i18n.gettext("Send"), i18n.spoken()) == ("Send", "en")
        assert i18n.gettext("Send") == "Enviar"
    with i18n.speaking("en"):
        i18n.speak_to_colleague("de")
        assert (i18n.gettext("Send"), i18n.spoken()) == ("Send", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_quotes_are_told_from_what_customers_answer(language: str):
    with i18n.speaking(language):
        head = i18n.gettext("On {when}, {who} wrote:").format(when="2026-03-01 09:00 UTC", who="Marta")
    assert ATTRIBUTION.search(head)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assistant_speaks_it_and_understands_its_own_buttons(language: str):
    """What *Talk to a person* sends, and what the assistant tells people to answer, has to be understood."""
    assert language in ASSISTANT
    assert language in COURTESY
    with i18n.speaking(language):
        assert wants_person(i18n.gettext("I would like to talk to a person."))
        assert wants_person(i18n.gettext("Talk to a person"))
    quoted = r"[“„«»”]([^“„«»”]+)[“”«»]"
    person = re.findall(quoted, ASSISTANT[language].announce)
    yes, no = re.findall(quoted, ASSISTANT[language].confirm)
    assert person
    assert wants_person(person[-1])
    assert says_yes(yes)
    assert not says_no(yes)
    assert says_no(no)
