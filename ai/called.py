"""Names that stand where people put them: after a greeting, under a closing, and where somebody says who they are.

A greeting or a signature says of any word that it is a name: so those of people are found there whom the desk has never
heard of, and those that are written small. In the middle of a sentence nothing tells `mark` from `Mark`.
"""

import re
from collections.abc import Iterator

from ai.questions import SIGN_OFF

LONGEST = 40  # characters of a name
WORD = r"(?:[^\W\d_]\.(?=[ ]\w)|[^\W\d_][\w'’-]{0,30})"
LARGE = r"(?=[^\W\d_a-z])"
TITLE = (
    r"(?:(?:mr|mrs|ms|miss|mx|dr|prof|sir|madam|herrn?|frau|monsieur|madame|mme|mlle|se[ñn]or(?:a|ita)?|sr|sra|signora?"
    r"|sig|dott|senhora?)\b\.?[ \t]+){0,3}"
)
GREETED = re.compile(
    r"(?m)^[ \t>]{0,8}(?:dear|hello|hi|hey|good[ ](?:morning|afternoon|evening)|greetings|hallo|liebe[rs]?"
    r"|guten[ ](?:tag|morgen|abend)|moin|servus|sehr[ ]geehrte[rs]?|bonjour|salut|ch[eè]re?s?|hola|buen[oa]s[ ]\w{3,6}"
    rf"|estimad[oa]s?|ciao|buongiorno|gentile|ol[áa]|hei|hej|beste)[ \t]+{TITLE}(?P<name>{WORD}(?:[ ]{WORD}){{0,3}})"
    r"(?=[ \t]*(?:[,!.:;–-]|$))",
    re.IGNORECASE,
)
INTRODUCED = re.compile(
    r"(?i:\b(?:my name is|mein name ist|ich hei(?:ß|ss)e|je m['’]appelle|mon nom est|me llamo|mi nombre es|mi chiamo"
    rf"|ik heet|meu nome é|jag heter|mitt navn er)[ ]){TITLE}(?P<name>{LARGE}{WORD}(?:[ ]{LARGE}{WORD}){{0,3}})"
)
SIGNED = re.compile(rf"[ \t]{{0,8}}(?P<name>{WORD}(?:[ ]{WORD}){{0,3}})[ \t]*[,.]?[ \t]*(?=\n|\Z)")
WORDS = """
there team support sir sirs madam all everyone everybody folks guys people friends again help helpdesk desk customer
customers service sales colleagues you and or to the from with agent assistant bot world ladies gentlemen zusammen alle
damen herren kundenservice kollegen tous toutes équipe madame monsieur messieurs equipo todos todas tutti tutte allen
iedereen sent cheers thanks regards best yours
"""
NOBODY = frozenset(WORDS.split())
"""Whom a greeting names without naming anybody, and what stands under a closing without being one."""


def called(text: str) -> Iterator[tuple[int, int]]:
    """Where names stand, begin and end."""
    for pattern in (GREETED, INTRODUCED):
        for found in pattern.finditer(text):
            if not _nobody(found["name"]):
                yield found.span("name")
    for closing in SIGN_OFF.finditer(text):
        begin = closing.end()
        while begin < len(text) and text[begin] in "\r\n":
            begin += 1
        found_name = SIGNED.match(text, begin, begin + 3 * LONGEST)
        if found_name and len(found_name["name"]) <= LONGEST and not _nobody(found_name["name"]):
            yield found_name.span("name")


def _nobody(name: str) -> bool:
    return any(word.strip(".'’-") in NOBODY for word in name.lower().split())
