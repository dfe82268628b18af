"""How customers begin before they say what it is about: “Hi”, “Is anyone there?”, “I have a question”.

By lists, as in `phrases`, so that it works without any model. Whoever says more than this has begun to say it.
"""

import re
from collections.abc import Sequence

LONGEST = 160
"""Characters of a message that may be nothing but a beginning."""
CLAUSE = re.compile(r"[\W_]*[.,;:!?؟،。！？\n–—()]+[\W_]*|\s*[^\w\s'’-]+\s*")
GREETING = r"""
    (?:hi+|hiya|hello+(?:\s+hello+)?|hey+|heya|howdy|greetings|good\s+(?:morning|afternoon|evening|day)
    |hallo|moin(?:\s+moin)?|servus|grüezi|grüß\s+(?:gott|dich)|guten\s+(?:tag|morgen|abend)
    |bonjour|bonsoir|salut|coucou|hola|buen[oa]s?(?:\s+(?:d[ií]as?|tardes|noches))?|ciao|salve|buongiorno|buonasera
    |ol[áa]|oi|bom\s+dia|boa\s+(?:tarde|noite)|hoi|dag|goede(?:morgen|middag|navond)|hej(?:\s+hej)?|hei|cześć|dzień\s+dobry
    |привет|здравствуйте|добрый\s+(?:день|вечер)|مرحبا\w?|أهلا\w?(?:\s+وسهلا\w?)?|السلام\s+عليكم|(?:صباح|مساء)\s+الخير
    |你好|您好|こんにちは|안녕하세요)
    (?:\s+(?:there|again|all|everyone|team|support|you|guys|zusammen|nochmal|liebes\s+team|à\s+tous|a\s+todos|a\s+tutti|allemaal|بكم)){0,2}
"""
THERE = r"""
    (?:is\s+)?(?:any|some)(?:one|body)(?:\s+(?:here|there|around|online|available))?|(?:are\s+)?you\s+there
    |(?:ist\s+)?(?:da|hier)?\s*jemand(?:\s+(?:da|hier|online))?|(?:il\s+)?y\s+a[\s-]t[\s-]il\s+quelqu['’]un|quelqu['’]un
    |hay\s+alguien(?:\s+ah[ií])?|c['’]è\s+qualcuno|tem\s+alguém\s+aí|is\s+er\s+iemand|(?:هل\s+)?(?:من|هناك)\s+أحد(?:\s+هنا)?
"""
SOMETHING = r"""
    (?:i|we)(?:['’]ve|\s+have|\s+got|['’]ve\s+got)\s+(?:just\s+)?(?:a|an|one|some|another)\s+(?:quick\s+|small\s+|short\s+)?(?:questions?|problems?|issues?|request)
    |(?:just\s+)?(?:a\s+)?(?:quick\s+|small\s+)?question|(?:can|may|could)\s+i\s+ask\s+(?:you\s+)?(?:a\s+(?:quick\s+)?question|something)
    |(?:i|we)\s+need\s+(?:some\s+|your\s+)?help|help(?:\s+me)?|(?:can|could|would)\s+(?:you|someone|somebody|anyone)\s+(?:please\s+)?help(?:\s+(?:me|us))?
    |ich\s+(?:habe?|hätte|hab)\s+(?:da\s+)?(?:mal\s+)?(?:kurz\s+)?eine?\s+(?:kurze\s+|kleine\s+|kleines\s+)?(?:frage|problem|anliegen)
    |(?:kurze\s+|eine\s+|mal\s+eine\s+)?frage|(?:ich\s+)?(?:brauche|bräuchte)\s+(?:mal\s+)?hilfe|hilfe
    |(?:können|könnten|kannst|könnte)\s+(?:sie|du|ihr|mir)\s+(?:mir\s+|jemand\s+)?(?:bitte\s+)?(?:kurz\s+)?helfen
    |j['’]ai\s+une?\s+(?:petite\s+)?(?:question|problème)|j['’]ai\s+besoin\s+d['’]aide|aidez[\s-]moi|(?:pouvez|pourriez)[\s-]vous\s+m['’]aider
    |tengo\s+una?\s+(?:pregunta|duda|problema|consulta)|(?:me\s+)?(?:puede[ns]?|podría[ns]?)\s+ayudar(?:me)?|(?:necesito\s+)?ayuda
    |ho\s+un[a']?\s*(?:domanda|problema)|(?:mi\s+)?(?:può|potete|puoi)\s+aiutar(?:e|mi)|(?:ho\s+bisogno\s+di\s+)?aiuto
    |tenho\s+uma?\s+(?:pergunta|dúvida|problema)|preciso\s+de\s+ajuda|ajuda|ik\s+heb\s+een\s+(?:vraag|vraagje|probleem)|(?:kunt|kun)\s+(?:u|je)\s+(?:mij|me)\s+helpen
    |(?:لدي|عندي)\s+(?:سؤال|مشكلة|استفسار)|(?:أحتاج|احتاج)\s+(?:إلى\s+|الى\s+)?(?:ال)?مساعدة|(?:هل\s+)?(?:يمكنكم?|ممكن)\s+(?:ال)?مساعد\w*
"""
POLITE = (
    r"(?:please|pls|bitte|por\s+favor|s['’]il\s+(?:vous|te)\s+pla[iî]t|per\s+favore|alstublieft"
    r"|من\s+فضلك\w*|لو\s+سمحت\w*)"
)
BEGINNING = re.compile(
    rf"(?:{POLITE}\s+)?(?:{GREETING}(?:\s+(?:{THERE}|{SOMETHING}))?|{THERE}|{SOMETHING})(?:\s+{POLITE})?|{POLITE}",
    re.IGNORECASE | re.VERBOSE,
)


def says_nothing_yet(texts: Sequence[str]) -> bool:
    """All that a customer wrote so far, the subject included."""
    written = [text.strip() for text in texts if text.strip()]
    return bool(written) and all(map(is_beginning, written))


def is_beginning(text: str) -> bool:
    """Every clause of it; a lone question mark or a waving hand, too."""
    if len(text) > LONGEST:
        return False
    return all(BEGINNING.fullmatch(clause.strip()) for clause in CLAUSE.split(text) if clause.strip())
