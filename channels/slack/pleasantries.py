"""Words that ask for nothing: a thank you, a greeting, a thumb. They open no ticket, and no settled one again."""

import re

LONGEST = 60  # characters
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
NAMED = re.compile(r"@\S+|:[a-z0-9_+'-]+:")
POLITE = frozenset(
    {
        *(
            "thanks",
            "thank",
            "thx",
            "ty",
            "tysm",
            "cheers",
            "ok",
            "okay",
            "k",
            "kk",
            "great",
            "good",
            "perfect",
        ),
        *(
            "awesome",
            "cool",
            "nice",
            "super",
            "wonderful",
            "excellent",
            "brilliant",
            "amazing",
            "lovely",
            "got",
        ),
        *(
            "understood",
            "noted",
            "sure",
            "yep",
            "yup",
            "np",
            "welcome",
            "hi",
            "hello",
            "hey",
            "morning",
            "bye",
        ),
        *(
            "danke",
            "dankeschön",
            "dank",
            "prima",
            "klar",
            "passt",
            "hallo",
            "moin",
            "servus",
            "tschüss",
            "guten",
        ),
        *("gracias", "vale", "perfecto", "genial", "hola", "buenos", "buenas", "adiós", "merci", "parfait"),
        *("d'accord", "bonjour", "salut", "obrigado", "obrigada", "perfeito", "olá", "ótimo", "grazie"),
        *("perfetto", "ciao", "bedankt", "top", "tack", "dziękuję", "dzięki", "شكرا", "شكراً", "مرحبا"),
    }
)
BESIDE = frozenset(
    {
        *(
            "you",
            "much",
            "very",
            "so",
            "many",
            "again",
            "all",
            "everyone",
            "team",
            "guys",
            "for",
            "the",
            "your",
        ),
        *("help", "quick", "it", "now", "a", "day", "evening", "afternoon", "weekend", "have", "that", "is"),
        *(
            "vielen",
            "schön",
            "besten",
            "herzlichen",
            "alles",
            "gut",
            "tag",
            "morgen",
            "muchas",
            "mil",
            "días",
        ),
        *("tardes", "beaucoup", "mille", "je", "wel", "جزيلا", "جزيلاً"),
    }
)
"""What may stand beside them, and says nothing polite alone: “help” is a call for it."""


def is_pleasantry(text: str) -> bool:
    """Of a short message without files. What asks has a question mark, or a word that is not polite."""
    if len(text) > LONGEST or "?" in text or "؟" in text:
        return False
    said = NAMED.sub(" ", text)
    if any(char.isdigit() for char in said):
        return False
    words = {word.lower() for word in WORD.findall(said)}
    return words <= POLITE | BESIDE and bool(words & POLITE or not words)
