"""How machines say that a mail did not arrive, or that nobody is there to read it."""

# ruff: noqa: E501 - long alternatives are easier to read than broken ones
# fmt: off

import re

ADDRESS = r"[^\s@<>,;:\"()\[\]']+@[^\s@<>,;:\"()\[\]']+\w"
DAEMON = re.compile(
    r"^(?:mailer-?daemon|post[._-]?master|mail-?daemon|mdaemon|mail[._-]?delivery|mail-deliver|mmdf|uucp|root|bounces?|delivery|"
    r"system[._-]administrator|mailsystem|mail-system|mail|autoanswer|notification|.*-daemon)[+=.\w-]*$",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"undeliver(?:ed|able)|deliver(?:y|ed)[ -]?(?:status|fail|problem|delay|error|report|not|has|unsuccess)|fail(?:ed|ure)[ -]?(?:notice|to deliver|delivery|mail|notif)"
    r"|(?:mail|message|delivery|email|e-mail)[ :]+(?:delivery )?(?:system )?(?:fail|error|delay|could not|undeliver|not deliver|returned|bounced)"
    r"|return(?:ed|ing) (?:mail|message|to sender)|could not (?:send|be deliver|deliver)|not delivered|non ?remis|nondeliverable|non-?delivery|unzustellbar|unable to deliver"
    r"|delayed mail|warning: (?:could not|message .{0,40}delayed)|user unknown|unknown user|mail failure|failure notice|bounce|no se pudo|не доставлен|недоставлен|宛先|配信|送信|エラー|rejected"
    r"|nicht zugestellt|n'a pas pu être|non recapitabile|mancata consegna|onbestelbaar|nie dostarczono|mailbox (?:full|unavailable)|recipient (?:unknown|reject)|^e$",
    re.IGNORECASE,
)
BODY = re.compile(
    r"(?:could|can|did|was|were|has|have|is|are|been|will)(?: ?not|n['’]t)\s+(?:be\s+|been\s+|able\s+to\s+be\s+|able\s+to\s+)?(?:deliver|reach|sent?\b|complet)"
    r"|not\s+(?:yet\s+)?been\s+delivered|invalid\s+(?:user|recipient|final delivery|mailbox|address)"
    r"|unable\s+to\s+(?:be\s+)?(?:deliver|send|relay|route)|undeliver(?:ed|able)|fail(?:ed|ure)?\s+(?:to\s+deliver|permanently|address|reasons?|deliver)|deliver[a-z]*\s+(?:\w+\s+){0,5}fail(?:ed|ure)"
    r"|(?:permanent|transient|fatal|delivery|permanent fatal)\s+errors?|error\s+(?:\w+\s+){0,2}(?:deliver|send|transfer)|returned\s+(?:mail|message|to\s+sender)|did\s+not\s+reach"
    r"|user\s+unknown|unknown\s+(?:user|recipient|address|local)|no\s+such\s+(?:user|recipient|mailbox)|mailbox\s+(?:is\s+)?(?:full|unavailable|not\s+found|disabled|does\s+not)|over\s*quota|exceed\w*\s+\w*\s*quota|quota exceeded"
    r"|recipient\s+(?:address\s+)?(?:rejected|unknown|not\s+found)|does\s+not\s+(?:exist|like\s+recipient)|may\s+not\s+exist|not\s+(?:a\s+)?(?:valid|known|recogni[sz]ed)|host\s+(?:unknown|not\s+found)"
    r"|said:\s*[45]\d\d|^\s*(?:<\S+>:?\s*)?[45]\d\d[ -][45]\.\d\.\d|transcript\s+of\s+session|queued?\s+(?:for\s+)?too\s+long|still\s+(?:undelivered|being\s+retried)|mail-?box.{0,20}voll|ist nicht zugestellt"
    r"|не\s+(?:может|удалось|было)\s+\S*\s*достав|доставить сообщение|unzustellbar|nicht\s+(?:\w+\s+)?zugestellt|n'a\s+pas\s+pu\s+être|配信できません|送信できません|エラー|宛先|届けることができません|見つかりません|拒否",
    re.IGNORECASE | re.MULTILINE,
)
DELAYED = re.compile(
    r"delayed|still being retried|warning only|will (?:be retried|keep trying|continue)|not yet been delivered|Delay\)|temporar(?:y|ily)|Zustellung nicht abgeschlossen|has been delayed"
    r"|deferred",
    re.IGNORECASE,
)
ORIGINAL = re.compile(
    r"^[ \t]*(?:[-=*_# ]{2,}.{0,60}(?:original|copy|returned|below|enclosed|header|undelivered|message|unsent|body|follow).{0,80}|(?:message|original message) headers follow.{0,20}|>?received: .+|return-path: .*|message-id:.*|dkim-signature:.*)$",
    re.IGNORECASE | re.MULTILINE,
)
STATUS = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?![\d.])")
REPLY_CODE = re.compile(r"(?<![\d.])([45][0-5]\d)(?:[ -]|(?=\s*$))", re.MULTILINE)
RECIPIENT = re.compile(
    rf"^[ \t>*'\"-]*(?:<({ADDRESS})>:?|({ADDRESS})[ \t]*(?:$|\r|\[|:|\(|on |\.\.\.)|.{{0,80}}?(?:recipient|address|to|user|mail|delivering your mail to|generated from|an)\b[ :]*<?({ADDRESS})>?)",
    re.IGNORECASE | re.MULTILINE,
)
DEAD = re.compile(
    r"user\s*unknown|unknown (?:user|recipient|address|local|mailbox)|no such (?:user|recipient|mailbox|address|person|domain|local)|no mailbox here|(?:address|recipient|user|account|mailbox|domain|host|name)\b.{0,40}(?:does(?:n't| not) exist|not found|unknown|not known|not recogni[sz]ed|invalid|no longer|not exist)"
    r"|host or domain name not found|name or service not known|unrouteable|unroutable|nxdomain|no longer (?:exists|valid|available|on server)|has moved|invalid (?:recipient|mailbox|address)|not a (?:valid|known) (?:user|recipient|mailbox)|not listed in|no existe|addressee unknown|does not have an? .{0,30}account"
    r"|DNS lookup failure|null mx|does not accept (?:mail|e-?mail)|5\.1\.(?:1|2|6|10)\b",
    re.IGNORECASE,
)
ALIVE = re.compile(r"quota|mailbox (?:is )?full|over limit|spam|blocked|blacklist|reputation|rate limit|greylist|too (?:large|big)|timed? ?out|disabled|suspended|inactive|policy", re.IGNORECASE)  # fmt: skip

NO_REPLY = re.compile(r"^(?:do[._-]?)?no[nt]?[._-]?(?:reply|respond|answer)|^(?:mailer-daemon|postmaster|bounces?|listserv|majordomo)$", re.IGNORECASE)
OUT_OF_OFFICE = re.compile(
    r"out of (?:the )?office|abwesenheit|nicht im (?:büro|haus)|absence (?:du|de)|absent du bureau|fuera de (?:la )?oficina|fuori (?:sede|ufficio)|afwezig"
    r"|on (?:vacation|holiday|leave)|^(?:vacation|ooo|oof)\b|ausente|poza biurem|frånvaro|fravær|poissa|mimo kancelář|вне офиса|отсутств|不在|휴가|外出",
    re.IGNORECASE,
)
AUTO_REPLY = re.compile(
    r"^\W*(?:auto(?:matic|mated)?[ -]?(?:reply|response|answer|respond)|automatische antwort|réponse automatique|respuesta automática|risposta automatica"
    r"|automatisch antwoord|resposta automática|automatisk svar|autosvar|automaattinen vastaus|automatyczna odpowiedź|automatická odpověď|автоответ|автоматический ответ|自动回复|自動回覆|自動応答)",
    re.IGNORECASE,
)
