"""What customers say that must work without any model: that they want a person, yes, no, that it helped.

The lists come first and never fail; what is said otherwise is near one of the examples in meaning (`means_person`).
"""

import re
from functools import lru_cache

import numpy as np

from ai.questions import matter
from helpdesk.ports import Embedder

LONGEST = 600
"""Characters of a message that are looked at: whoever wants a person says so soon."""
CLOSE = 0.72
"""Cosine from which a short message says the same as an example. Set on paraphrases of our own."""
SHORT = 25
"""Words of a message that may be compared as a whole."""

PERSON = re.compile(
    r"""
    ^\W*(?:(?:a|an|un|una|une|um|uma|ein|einen|een|en|et)\s+)?(?:human|agent|person|operator|representative|mensch|mitarbeiter(?:in)?|humain|conseiller|humano|persona|agente
        |umano|operatore|humana|atendente|pessoa|människa|menneske|medewerker|mens|człowiek|konsultant|человек|оператор
        |إنسان|انسان|شخص|موظف|بشري|人工|人工客服|オペレーター|상담원)(?:\s+(?:please|bitte|من\s+فضلك\w*|لو\s+سمحت\w*|por\s+favor|s'il\s+vous\s+pla[iî]t|per\s+favore|tack|alstublieft|now))?\W*$
    |\b(?:human|person|agent|operator|representative|colleague)\s*,?\s*please\b
    |\b(?:a|an|real|actual|live|human|some)\s+(?:human(?:\s+being)?|person|agent|representative|operator|employee)\b
        (?=[^.!?\n]{0,25}\b(?:please|now|instead|help|support|line)\b|\W*$)
    |\b(?:talk|speak|chat\s+with|connect(?:ed)?\s+(?:me|us)|be\s+connected|(?:transfer|put|pass|hand)\s+(?:me|us|this|it)|get\s+me
        |(?:be|get)\s+(?:transferred|put\s+through|passed|hold\s+of)|reach|there\s+is)\b
        [^.!?\n]{0,30}\b(?:human(?:\s+being)?|(?:real|live|actual)\s+(?:person|human|agent|being)|person|someone|somebody|agent
        |representative|operator|manager|supervisor|your\s+(?:team|staff|colleagues?))\b(?!['’]s)
    |\b(?:not|no|don'?t\s+(?:want|like)(?:\s+to\s+\w+\s+(?:to|with))?)\s+(?:a\s+|an\s+|your\s+|the\s+)?(?:bot|robot|machine|chatbot)s?\b
    |\b(?:echte[rnm]?|lebende[rnm]?|richtige[rnm]?)\s+(?:menschen?|person|mitarbeiter\w*|ansprechpartner\w*)\b
    |\b(?:mit|an)\s+(?:einem|einer|jemande?m?|nen)\b[^.!?\n]{0,25}\b(?:menschen?|mitarbeiter\w*|person|kolleg\w+|sprechen|reden)\b
    |\bmenschen?\s*,?\s*bitte\b|\bmitarbeiter\w*\s*,?\s*bitte\b|\bjemand(?:en)?\s+(?:echte[rns]?|persönlich)\b
    |\bparler\b[^.!?\n]{0,25}\b(?:humain|quelqu['’]un|personne|conseiller|agent)\b|\bune?\s+(?:vrai[e]?\s+)?(?:humain|personne\s+réelle)\b
    |\bhablar\b[^.!?\n]{0,25}\b(?:humano|persona|alguien|agente)\b|\buna\s+persona\s+(?:real|por\s+favor)\b
    |\bparlare\b[^.!?\n]{0,25}\b(?:umano|persona|qualcuno|operatore)\b|\bfalar\b[^.!?\n]{0,25}\b(?:humano|pessoa|alguém|atendente)\b
    |\b(?:spreken|praten)\b[^.!?\n]{0,25}\b(?:mens|iemand|medewerker)\b|\b(?:een\s+)?(?:echte\s+)?mens\s+(?:spreken|alstublieft|graag)\b
    |\b(?:prata|tala)\b[^.!?\n]{0,25}\b(?:människa|någon|person)\b|\b(?:snakke|tale)\b[^.!?\n]{0,25}\b(?:menneske|person|nogen|noen)\b
    |\b(?:porozmawiać|rozmawiać)\b[^.!?\n]{0,25}\b(?:człowiekiem|konsultantem|osobą|kimś)\b
    |\b(?:ال|أ|ا|ن)?(?:تحدث|تكلم|حديث|كلام|تواصل)\s+(?:مع|إلى|الى)\b[^.!?؟\n]{0,20}\b(?:شخص|إنسان|انسان|موظف|بشر|ممثل|أحد)\w*
    |\b(?:حو\W?ل(?:ني|ونا|وني|نا)|تحويلي)\b[^.!?؟\n]{0,25}\b(?:شخص|إنسان|انسان|موظف|بشر|ممثل)\w*
    |\b(?:شخص|إنسان|انسان|موظف)\s+(?:حقيقي|بشري)\b
    |(?:поговорить|соедините)[^.!?\n]{0,25}(?:человеком|оператором)|(?:转|找|要)人工|真人|担当者と|人と話|상담원\s*연결
    """,
    re.IGNORECASE | re.VERBOSE,
)
YES = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok(?:ay)?|confirm(?:ed)?|go ahead|please do|correct|ja|jawohl|gerne|oui|d'accord|s[ií]"
    r"|claro|sim|tak|да|نعم|أجل|اجل|موافق|تمام|حسن\W?ا|はい|是|好的|네)\b",
    re.IGNORECASE,
)
NO = re.compile(
    r"^\W*(?:no|nope|don'?t|do not|stop|cancel|nein|nicht|non|ne .* pas|não|nie|нет|لا|كلا|ليس"
    r"|توقف\w*|いいえ|不|아니요)\b",
    re.IGNORECASE,
)
HELPED = re.compile(
    r"\b(?:that|this|it)(?:['’]s)?\s+(?:has\s+|all\s+|finally\s+)?(?:worked|helped|solved|fixed|did\s+(?:it|the\s+trick)|works(?:\s+now)?)\b"
    r"|\b(?:solved|fixed|works\s+now|all\s+good|problem\s+gone)\b\W*(?:thank|thx|$)"
    r"|\b(?:hat\s+geholfen|hat\s+geklappt|hat\s+funktioniert|funktioniert\s+(?:jetzt|wieder)|problem\s+gelöst|erledigt)\b"
    r"|\b(?:ça\s+marche|c['’]est\s+réglé|ha\s+funcionado|ya\s+funciona|ha\s+funzionato|ora\s+funziona|werkt\s+nu|het\s+werkt)\b"
    r"|\b(?:(?:está|ha\s+quedado)\s+(?:resuelto|solucionado)|تم\s+(?:ال)?حل|يعمل\s+الآن|نجح\s+(?:ذلك|الأمر))\b"
    r"|^\W*(?:شكرا?\W?ا?(?:\s+(?:جزيلا?\W?ا?|لكم|لك))*"
    r"|perfect|great|super|merci|gracias|grazie|danke(?:\s+sehr|\s+schön)?|thank(?:s| you)"
    r"(?:\s+(?:so|very)\s+much|\s+a\s+lot)?|bedankt|tack|tak)\W*$",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"[?؟]|\b(?:لكن|ولكن|ليس|ليست|لم|لا|ما\s?زال\w*"
    r"|but|still|not|didn'?t|doesn'?t|isn'?t|no longer|aber|noch|nicht|kein\w*|mais|pas|pero|todavía|ma|non"
    r"|maar|niet)\b",
    re.IGNORECASE,
)
WANTS_PERSON = (
    "I want to talk to a human",
    "please connect me with a real person",
    "can somebody from your team call me",
    "I do not want to talk to a bot",
    "stop sending me automatic answers, I need a person to look at this",
    "let me speak with one of your employees",
)


def wants_person(text: str) -> bool:
    return bool(PERSON.search(matter(text)[:LONGEST]) or PERSON.search(text.strip()[:LONGEST]))


async def means_person(embedder: Embedder, text: str) -> bool:
    """In other words than the list's: only of short messages, since a long one is about something else as well."""
    words = matter(text)[:LONGEST]
    if wants_person(text):
        return True
    if not words or len(words.split()) > SHORT:
        return False
    asked = (await embedder.embed([words]))[0]
    return bool((await _examples(embedder) @ asked).max() >= CLOSE)


def says_yes(text: str) -> bool:
    said = matter(text)[:LONGEST]
    return bool(YES.search(said)) and not DOUBT.search(said)


def says_no(text: str) -> bool:
    return bool(NO.search(matter(text)[:LONGEST]))


def says_it_helped(text: str) -> bool:
    """Thanks or good news, and nothing that is still open."""
    said = " ".join(text.split())[:LONGEST]
    return bool(HELPED.search(said) or HELPED.search(matter(text))) and not DOUBT.search(said)


async def _examples(embedder: Embedder) -> np.ndarray:
    known = _kept(embedder.name)
    if not known:
        known.append(await embedder.embed(list(WANTS_PERSON)))
    return known[0]


@lru_cache(maxsize=4)
def _kept(_name: str) -> list[np.ndarray]:
    return []
