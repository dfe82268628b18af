"""Where a text holds what should not leave the house: cards, accounts, keys, passwords, addresses, numbers.

What can be checked is checked (Luhn, mod 97, a country's length), so that order numbers survive. Every pattern is
linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from phonenumbers import NumberParseException, is_possible_number, parse


class Sort(StrEnum):
    """Worst to lose first; a placeholder is its name in capitals with a number."""

    key = "key"
    password = "password"  # noqa: S105 - the name of a sort
    card = "card"
    iban = "iban"
    email = "email"
    phone = "phone"
    field = "field"  # of a custom field that is not to leave
    name = "name"
    text = "text"  # looks like a placeholder


@dataclass(frozen=True)
class Found:
    begin: int
    end: int
    sort: Sort


def found_in(text: str) -> Iterator[Found]:
    """In no order; they may overlap."""
    yield from _matches(Sort.key, KEYS, text)
    yield from _random(text)
    yield from _passwords(text)
    yield from _cards(text)
    yield from _ibans(text)
    yield from _matches(Sort.email, EMAIL, text)
    yield from _phones(text)


def _matches(sort: Sort, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    for match in pattern.finditer(text):
        yield Found(match.start(), match.end(), sort)


# Keys, by what their makers put in front of them, and blocks and addresses that hold one.
KEYS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY(?:\ BLOCK)?-----(?:[^-]|-(?!----)){0,10000}(?:-----END\ [A-Z ]{0,30}-----)?
  | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?                                  # JSON web tokens
  | \b(?:sk|pk|rk|whsec|cs|acct)_(?:live|test)?_?[A-Za-z0-9+/=]{16,}         # Stripe, webhooks
  | \bsk-[\w-]{16,} | \bgsk_\w{20,} | \bhf_\w{20,} | \br8_\w{20,}            # language models
  | \b(?:gh[opusr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})             # GitHub, GitLab
  | \bxox[abeoprs]-[\w-]{10,} | \bxapp-[\w-]{10,}                           # Slack
  | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b                                 # AWS
  | \bAIza[\w-]{30,} | \bya29\.[\w-]{20,} | \bGOCSPX-[\w-]{20,}             # Google
  | \bSG\.[\w-]{16,}\.[\w-]{16,} | \bkey-[0-9a-f]{32}\b                     # SendGrid, Mailgun
  | \b(?:AC|SK)[0-9a-f]{32}\b                                               # Twilio
  | \b(?:npm|dop_v1|doo_v1|shpat|shpss|shpca|lin_api|dckr_pat|pul|sntrys|sbp|vercel|figd|pscale_tkn)_[\w-]{16,}
  | \bpypi-[\w-]{30,} | \bAGE-SECRET-KEY-1[A-Z0-9]{40,} | \bEAA[A-Za-z0-9]{60,}
  | (?i:\bbearer)\ +[\w.~+/-]{12,}=* | (?i:\bauthorization:\ *basic)\ +[A-Za-z0-9+/]{8,}=*
  | (?<=://)[^\s:/@]{1,100}:[^\s:/@]{1,100}(?=@)                            # user and password in an address
  | (?i:(?<=sig=)|(?<=signature=)|(?<=token=)|(?<=api_key=)|(?<=apikey=)|(?<=secret=)|(?<=session=))[\w.%~+/-]{8,}
    """,
    re.VERBOSE,
)
EMAIL = re.compile(r"(?<![\w.+%'-])[\w+%'-][\w.+%'-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")

RUN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
HEX = re.compile(r"[0-9a-fA-F]{32,}")
PIECES = re.compile(r"[A-Za-z0-9]+")
RESTLESS = (
    0.4  # changes between capitals, small letters and digits, by letter: random text has .6, CamelCase .3
)


def _random(text: str) -> Iterator[Found]:
    """Keys without a known beginning: long, and of no language."""
    for run in RUN.finditer(text):
        for piece in PIECES.finditer(run[0]):
            if _is_random(piece[0]):
                yield Found(run.start() + piece.start(), run.start() + piece.end(), Sort.key)
        if "/" in run[0] and "//" not in text[max(0, run.start() - 100) : run.end()]:
            whole = run[0].strip("=")
            if _is_random(re.sub(r"[^A-Za-z0-9]", "", whole)):
                yield Found(run.start(), run.end(), Sort.key)


def _is_random(piece: str) -> bool:
    digits = sum(c.isdigit() for c in piece)
    if HEX.fullmatch(piece):
        return 0 < digits < len(piece)
    if len(piece) < 20 or digits < 2 or piece.upper() == piece or piece.lower() == piece:
        return False
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" for c in piece]
    return sum(a != b for a, b in pairwise(kinds)) / len(piece) >= RESTLESS


ASKED_FOR = (
    r"pass\s?-?(?:word|code|phrase)|passwd|pwd|pass|pin(?:\s?code)?|passwort|kennwort|geheimzahl|"
    r"mot\s+de\s+passe|contrase(?:ñ|n)a|senha|wachtwoord|has(?:ł|l)o|пароль|密码|密碼|パスワード|"
    r"secret(?:\s?key)?|client[\s_-]?secret|api[\s_-]?(?:key|token|secret)|access[\s_-]?(?:key|token)|"
    r"auth[\s_-]?token|private[\s_-]?key|license[\s_-]?key|recovery[\s_-]?code|otp|cvv|cvc"
)
SAID = re.compile(
    rf"(?i:(?<![^\W_])(?:{ASKED_FOR}))(?P<quote>[\"']?)\s{{0,3}}"
    rf"(?:(?P<sign>[:=：])|(?P<verb>(?i:is|was|lautet|ist|est|es|é|jest)(?=\s)))[ \t]{{0,3}}(?:\n[ \t]{{0,3}})?"
    r"(?P<value>\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|[^\s\"'<>][^\s<>]{2,199})"
)
PROSE = re.compile(r"[^\W\d_]+[.,;!?]?")
MORE_WORDS = re.compile(r"[ \t]+[^\W\d_]")


def _passwords(text: str) -> Iterator[Found]:
    """`password: …` and `my password is …`; not `my password is not accepted`, nor `Password: choose Forgot`."""
    for said in SAID.finditer(text):
        value = said["value"]
        begin, end = said.span("value")
        if value[0] in "\"'":
            yield Found(begin + 1, end - 1, Sort.password)
            continue
        while end > begin and text[end - 1] in ".,;)":
            end -= 1
        prose = PROSE.fullmatch(value) is not None
        if prose and (said["verb"] or MORE_WORDS.match(text, said.end())):
            continue
        if end > begin:
            yield Found(begin, end, Sort.password)


CARD = re.compile(r"(?<![\w+])\d(?:[ \u00a0.–-]?\d){12,18}(?![\w])")
ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35\d{14,17}"
    r"|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12,15}|(?:50|5[6-9]|6[0-9])\d{14,17}"
)
"""Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay, Maestro."""


def _cards(text: str) -> Iterator[Found]:
    for match in CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if ISSUERS.fullmatch(digits) and luhn(digits):
            yield Found(match.start(), match.end(), Sort.card)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ DZ ES MA MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IR IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""The registry of ISO 13616: how long each country's IBAN is."""
IBAN = re.compile(r"(?<!\w)([A-Za-z]{2})(\d{2})(?=[ \u00a0-]?\w)")


def _ibans(text: str) -> Iterator[Found]:
    for match in IBAN.finditer(text):
        if length := LENGTHS.get(match[1].upper()):
            end, written = _alphanumerics(text, match.start(), length)
            if len(written) == length and mod97(written.upper()):
                yield Found(match.start(), end, Sort.iban)


def _alphanumerics(text: str, begin: int, count: int) -> tuple[int, str]:
    """So many letters and digits from here, with single spaces or hyphens between; and where they end."""
    taken, place = "", begin
    while len(taken) < count and place < len(text):
        c = text[place]
        if c.isascii() and c.isalnum():
            taken += c
        elif c not in " \u00a0-" or text[place - 1] in " \u00a0-":
            break
        place += 1
    return place, taken if place == len(text) or not text[place].isalnum() else ""


def mod97(written: str) -> bool:
    """ISO 7064, MOD 97-10, of an IBAN."""
    return int("".join(str(int(c, 36)) for c in written[4:] + written[:4])) % 97 == 1


WORLDWIDE = re.compile(r"(?<![\w.+/-])(?:\+|00(?=[1-9]))\d(?:[ ().\u00a0/-]{0,3}\d){6,14}(?![\w-])")
NATIONAL = re.compile(
    r"(?<![\w.#+/-])(?:\(\d{2,5}\)[ -]?\d(?:[ .-]?\d){4,9}|\d{3}[.-]\d{3}[.-]\d{4}"
    r"|0\d{1,4}[ /]\d(?:[ -]?\d){5,9})(?![\w-])"
)
AFTER_A_WORD = re.compile(
    r"(?i:\b(?:tel|tél|phone|telephone|telefon\w*|téléphone|teléfono|mobile?|cell|handy\w*|fax|whatsapp|"
    r"call me(?: at| on)?|ring me on|rückruf\w*|reach me (?:at|on)|number is)\b)[.:]?[ \t]{0,3}"
    r"(?P<number>\(?\d(?:[ ()./-]{0,2}\d){5,13})(?![\w-])"
)
NO_PHONE = re.compile(
    r"(?i:order|invoice|ticket|case|tracking|serial|article|item|ref\w*|customer|rechnung\w*|bestell\w*|auftrag\w*|"
    r"kunden\w*|artikel\w*|sendung\w*|commande|facture|pedido|factura|no|nr|number|nummer|id|sku|isbn|version)"
    r"[\s.:#°-]{0,4}$"
)


def _phones(text: str) -> Iterator[Found]:
    for match in WORLDWIDE.finditer(text):
        if _possible("+" + re.sub(r"\D", "", match[0].removeprefix("00"))):
            yield Found(match.start(), match.end(), Sort.phone)
    for match in NATIONAL.finditer(text):
        if not NO_PHONE.search(text[max(0, match.start() - 20) : match.start()]):
            yield Found(match.start(), match.end(), Sort.phone)
    for match in AFTER_A_WORD.finditer(text):
        yield Found(*match.span("number"), Sort.phone)


def _possible(number: str) -> bool:
    try:
        return is_possible_number(parse(number))
    except NumberParseException:
        return False
