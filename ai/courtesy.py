"""How a letter begins and ends, in the customer's language. The content keeps the article's language."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Courtesy:
    greeting: str  # with {name}
    anonymous: str
    source: str  # with {title}; before steps
    offer: str
    closing: str
    ask: str  # with {what}
    signature: str = ""

    def greets(self, name: str) -> str:
        """A desk's own greeting is not a format: only {name} means something in it."""
        first = first_name(name)
        return self.greeting.replace("{name}", first) if first else self.anonymous

    def asks(self, what: str) -> str:
        return self.ask.replace("{what}", what.strip().rstrip(".?!"))

    @property
    def ending(self) -> str:
        return f"{self.closing}\n{self.signature}" if self.signature else self.closing


CATALOGUE = {
    "da": Courtesy(
        "Hej {name}", "Hej", "I vores artikel „{title}“ står:",
        "Svar bare på denne mail, hvis det ikke hjælper.", "Venlig hilsen",
        "Skriv venligst også til os: {what}.",
    ),
    "de": Courtesy(
        "Hallo {name},", "Guten Tag,", "In unserem Artikel „{title}“ steht:",
        "Falls das nicht hilft, antworten Sie einfach auf diese Nachricht.", "Freundliche Grüße",
        "Bitte nennen Sie uns noch: {what}.",
    ),
    "ar": Courtesy(
        "مرحبًا {name}،", "مرحبًا،", "جاء في مقالنا «{title}»:",
        "إن لم يفدكم هذا فما عليكم إلا الردّ على هذه الرسالة.", "مع أطيب التحيات",
        "يرجى أيضًا إخبارنا بما يلي: {what}.",
    ),
    "en": Courtesy(
        "Hello {name},", "Hello,", "Our article “{title}” says:",
        "If this does not help, just reply to this message.", "Kind regards",
        "Please also tell us: {what}.",
    ),
    "es": Courtesy(
        "Hola, {name}:", "Hola:", "Nuestro artículo «{title}» dice:",
        "Si esto no le ayuda, responda a este mensaje.", "Un cordial saludo",
        "Indíquenos también, por favor: {what}.",
    ),
    "fr": Courtesy(
        "Bonjour {name},", "Bonjour,", "Notre article « {title} » indique :",
        "Si cela ne vous aide pas, répondez simplement à ce message.", "Cordialement",
        "Merci de nous indiquer également : {what}.",
    ),
    "it": Courtesy(
        "Buongiorno {name},", "Buongiorno,", "Il nostro articolo «{title}» dice:",
        "Se questo non aiuta, risponda pure a questo messaggio.", "Cordiali saluti",
        "La preghiamo di indicarci anche: {what}.",
    ),
    "nl": Courtesy(
        "Beste {name},", "Goedendag,", "In ons artikel “{title}” staat:",
        "Helpt dit niet? Beantwoord dan gewoon dit bericht.", "Met vriendelijke groet",
        "Laat ons alstublieft ook weten: {what}.",
    ),
    "pl": Courtesy(
        "Dzień dobry, {name},", "Dzień dobry,", "W naszym artykule „{title}” czytamy:",
        "Jeśli to nie pomoże, proszę odpowiedzieć na tę wiadomość.", "Z poważaniem",
        "Prosimy podać także: {what}.",
    ),
    "pt": Courtesy(
        "Olá, {name},", "Olá,", "O nosso artigo «{title}» diz:",
        "Se isto não ajudar, basta responder a esta mensagem.", "Com os melhores cumprimentos",
        "Indique-nos também, por favor: {what}.",
    ),
    "sv": Courtesy(
        "Hej {name},", "Hej,", "I vår artikel ”{title}” står det:",
        "Svara bara på det här meddelandet om det inte hjälper.", "Vänliga hälsningar",
        "Meddela oss även: {what}.",
    ),
}  # fmt: skip


def courtesy(language: str) -> Courtesy:
    """English where we have no words in this language."""
    return CATALOGUE.get(language.split("-")[0].lower(), CATALOGUE["en"])


def greeting(language: str, name: str) -> str:
    return courtesy(language).greets(name)


def first_name(name: str) -> str:
    """`Lovelace, Ada` → Ada; nothing for addresses, firms and anything that is not plainly two or three words."""
    if "," in name:
        last, _, first = name.partition(",")
        name = f"{first.strip()} {last.strip()}"
    words = name.split()
    if not 2 <= len(words) <= 3 or not all(
        re.fullmatch(r"[^\W\d_][^\W\d_'’.\-]*[-'’.]?[^\W\d_]*\.?", w) for w in words
    ):
        return ""
    return words[0] if len(words[0]) > 1 and words[0][0].isupper() else ""
