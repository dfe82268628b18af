"""What the assistant says to customers in the desk's own words, in the customer's language."""

# ruff: noqa: E501 - a sentence is easier to translate whole
from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    announce: str  # with {name} and {desk}
    sources: str  # with {titles}
    handed_over: str
    first_contact: str  # handed over before it ever spoke
    matter: str
    this: str  # with {title}
    which: str
    field: str  # with {field}
    code: str  # the mail with the digits: with {code} and {desk}
    code_sent: str  # with {address}
    code_wrong: str  # with {tries}
    proved: str
    confirm: str  # with {what}
    nothing_done: str
    quotes: str = "“{}”"


CATALOGUE = {
    "en": Wording(
        "I am {name}, the automatic assistant of {desk}. If you would rather have a person, just answer “human”.",
        "Source: {titles}",
        "I have passed this on to a colleague, with everything said so far. They will answer you here.",
        "Thank you for your message. A colleague will answer you here.",
        "What can I help you with?",
        "Is it about {title}? Answer “yes”, or say in your own words what you need.",
        "Which of these do you mean? Answer with the number, or in your own words.",
        "To help you, we still need this from you: {field}. Please answer with it.",
        "{code} is your code for {desk}. It is good for ten minutes. If you did not ask us anything, ignore this mail: "
        "nobody learns anything without the code.",
        "This is about your own data, so I have to be sure who is writing. I have sent a code of six digits to {address}. "
        "Please answer here with it.",
        "That code is not right. You can try {tries} more times.",
        "Thank you, that is right.",
        "Shall I do this for you: {what}? Please answer “yes” or “no”.",
        "I have done nothing.",
    ),
    "de": Wording(
        "Ich bin {name}, der automatische Assistent von {desk}. Wenn Sie lieber mit einem Menschen schreiben, antworten "
        "Sie einfach „Mensch“.",
        "Quelle: {titles}",
        "Ich habe das mit allem, was bisher gesagt wurde, weitergegeben. Hier antwortet Ihnen eine Kollegin oder ein Kollege.",
        "Vielen Dank für Ihre Nachricht. Hier antwortet Ihnen eine Kollegin oder ein Kollege.",
        "Womit kann ich Ihnen helfen?",
        "Geht es um {title}? Antworten Sie „ja“ oder sagen Sie in eigenen Worten, was Sie brauchen.",
        "Was davon meinen Sie? Antworten Sie mit der Nummer oder in eigenen Worten.",
        "Um Ihnen zu helfen, brauchen wir noch: {field}. Bitte antworten Sie damit.",
        "{code} ist Ihr Code für {desk}. Er gilt zehn Minuten. Wenn Sie uns nichts gefragt haben, beachten Sie diese Mail "
        "nicht: Ohne den Code erfährt niemand etwas.",
        "Hier geht es um Ihre eigenen Daten, deshalb muss ich sicher sein, wer schreibt. Ich habe einen Code mit sechs "
        "Ziffern an {address} geschickt. Bitte antworten Sie hier damit.",
        "Dieser Code stimmt nicht. Sie haben noch {tries} Versuche.",
        "Danke, das stimmt.",
        "Soll ich das für Sie tun: {what}? Bitte antworten Sie „ja“ oder „nein“.",
        "Ich habe nichts getan.",
        "„{}“",
    ),
    "ar": Wording(
        "أنا {name}، المساعد الآلي لدى {desk}. إن كنتم تفضّلون شخصًا فأجيبوا بكلمة «إنسان».",
        "المصدر: {titles}",
        "أحلتُ طلبكم، مع كل ما قيل حتى الآن، إلى أحد الزملاء، وسيجيبكم هنا.",
        "شكرًا لرسالتكم. سيجيبكم أحد الزملاء هنا.",
        "بماذا يمكنني مساعدتكم؟",
        "هل يتعلق الأمر بـ {title}؟ أجيبوا بكلمة «نعم» أو اذكروا بكلماتكم ما تحتاجون إليه.",
        "أيّ هذه تقصدون؟ أجيبوا بالرقم أو بكلماتكم.",
        "لكي نساعدكم ما زلنا نحتاج منكم إلى: {field}. يرجى ذكره في ردّكم.",
        "{code} هو رمزكم لدى {desk}، وهو صالح لعشر دقائق. إن لم تسألونا عن شيء فتجاهلوا هذه الرسالة: لا أحد يعرف شيئًا من "
        "دون الرمز.",
        "يتعلق هذا ببياناتكم الخاصة، لذلك يجب أن أتأكد ممن يكتب. أرسلتُ رمزًا من ستة أرقام إلى {address}. يرجى كتابته هنا.",
        "هذا الرمز غير صحيح. المحاولات المتبقية: {tries}.",
        "شكرًا لكم، هذا صحيح.",
        "هل أقوم بهذا من أجلكم: {what}؟ أجيبوا بكلمة «نعم» أو «لا».",
        "لم أقم بأي شيء.",
        "«{}»",
    ),
    "fr": Wording(
        "Je suis {name}, l’assistant automatique de {desk}. Si vous préférez une personne, répondez « humain ».",
        "Source : {titles}",
        "J’ai transmis votre demande, avec tout ce qui a été dit, à une ou un collègue qui vous répondra ici.",
        "Merci de votre message. Une ou un collègue vous répondra ici.",
        "En quoi puis-je vous aider ?",
        "S’agit-il de {title} ? Répondez « oui » ou dites avec vos mots ce qu’il vous faut.",
        "De quoi s’agit-il ? Répondez avec le numéro ou avec vos propres mots.",
        "Pour vous aider, il nous manque : {field}. Merci de nous l’indiquer.",
        "{code} est votre code pour {desk}. Il est valable dix minutes. Si vous ne nous avez rien demandé, ignorez ce "
        "message : sans le code, personne n’apprend rien.",
        "Il s’agit de vos données : je dois être sûr de votre identité. J’ai envoyé un code à six chiffres à {address}. "
        "Répondez ici avec ce code.",
        "Ce code n’est pas le bon. Il vous reste {tries} essais.",
        "Merci, c’est juste.",
        "Dois-je faire ceci pour vous : {what} ? Répondez « oui » ou « non ».",
        "Je n’ai rien fait.",
        "« {} »",
    ),
    "es": Wording(
        "Soy {name}, el asistente automático de {desk}. Si prefiere a una persona, responda «humano».",
        "Fuente: {titles}",
        "He pasado su consulta, con todo lo dicho hasta ahora, a una persona del equipo que le responderá aquí.",
        "Gracias por su mensaje. Una persona del equipo le responderá aquí.",
        "¿En qué puedo ayudarle?",
        "¿Se trata de {title}? Responda «sí» o diga con sus palabras lo que necesita.",
        "¿A cuál de estos se refiere? Responda con el número o con sus palabras.",
        "Para ayudarle necesitamos todavía: {field}. Responda con ello, por favor.",
        "{code} es su código para {desk}. Vale diez minutos. Si no nos ha preguntado nada, ignore este correo: sin el "
        "código nadie sabrá nada.",
        "Se trata de sus propios datos y debo estar seguro de quién escribe. He enviado un código de seis cifras a "
        "{address}. Responda aquí con él.",
        "Ese código no es correcto. Le quedan {tries} intentos.",
        "Gracias, es correcto.",
        "¿Hago esto por usted: {what}? Responda «sí» o «no».",
        "No he hecho nada.",
        "«{}»",
    ),
    "it": Wording(
        "Sono {name}, l’assistente automatico di {desk}. Se preferisce una persona, risponda «umano».",
        "Fonte: {titles}",
        "Ho passato la richiesta, con tutto quello che è stato detto, a una persona del team che le risponderà qui.",
        "Grazie del messaggio. Una persona del team le risponderà qui.",
        "Come posso aiutarla?",
        "Si tratta di {title}? Risponda «sì» o dica con parole sue di che cosa ha bisogno.",
        "Quale di questi intende? Risponda con il numero o con parole sue.",
        "Per aiutarla ci serve ancora: {field}. Risponda con questo dato, per favore.",
        "{code} è il suo codice per {desk}. Vale dieci minuti. Se non ci ha chiesto nulla, ignori questa mail: senza il "
        "codice nessuno viene a sapere nulla.",
        "Si tratta dei suoi dati e devo essere sicuro di chi scrive. Ho inviato un codice di sei cifre a {address}. "
        "Risponda qui con il codice.",
        "Questo codice non è giusto. Ha ancora {tries} tentativi.",
        "Grazie, è giusto.",
        "Devo fare questo per lei: {what}? Risponda «sì» o «no».",
        "Non ho fatto nulla.",
        "«{}»",
    ),
    "nl": Wording(
        "Ik ben {name}, de automatische assistent van {desk}. Liever een mens? Antwoord dan „mens”.",
        "Bron: {titles}",
        "Ik heb dit met alles wat er is gezegd doorgegeven aan een collega, die u hier antwoordt.",
        "Bedankt voor uw bericht. Een collega antwoordt u hier.",
        "Waarmee kan ik u helpen?",
        "Gaat het om {title}? Antwoord „ja” of zeg in eigen woorden wat u nodig hebt.",
        "Welke hiervan bedoelt u? Antwoord met het nummer of in uw eigen woorden.",
        "Om u te helpen hebben we nog nodig: {field}. Antwoord daar alstublieft mee.",
        "{code} is uw code voor {desk}. Hij is tien minuten geldig. Hebt u ons niets gevraagd? Negeer dan deze mail: zonder "
        "de code komt niemand iets te weten.",
        "Dit gaat over uw eigen gegevens, dus ik moet zeker weten wie er schrijft. Ik heb een code van zes cijfers gestuurd "
        "naar {address}. Antwoord hier met die code.",
        "Deze code klopt niet. U kunt het nog {tries} keer proberen.",
        "Bedankt, dat klopt.",
        "Zal ik dit voor u doen: {what}? Antwoord met „ja” of „nee”.",
        "Ik heb niets gedaan.",
        "„{}”",
    ),
}


def wording(language: str | None) -> Wording:
    """English where we have no words in this language."""
    return CATALOGUE.get((language or "en").replace("_", "-").split("-")[0].lower(), CATALOGUE["en"])


def hidden(address: str) -> str:
    """`m•••@lumen.example`: enough for whom it belongs to."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}•••{at}{domain}" if at else f"{address[:2]}•••"
