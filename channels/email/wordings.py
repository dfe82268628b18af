"""How mail programs announce a quote, a forward or a signature, in the languages they speak."""

# ruff: noqa: E501 - long alternatives are easier to read than broken ones
# fmt: off

import re

WROTE = (
    r"wrote|writes|schrieb(?: am)?|hat geschrieben|a écrit|écrit|escribi[óo]|escrigué|ha scritto|scrive|schreef|heeft"
    r"|escreveu|skrev|skrifaði|napisał(?:\(a\)|a)?|pisze|napsal(?:\(a\)|a)?|napísal(?:\(a\)|a)?|írta|kirjoitti"
    r"|на?писал(?:\(а\)|а)?|пише|пишет|έγραψε|yazdı|đã viết|a scris|напис[аи]л?а?|geantwortet"
)
# Scripts without spaces between words need no word boundary.
WROTE_CJK = r"写道|寫道|写到|書きました|のメッセージ|작성|님이|כתב|כתבה|كتب|เขียน|نوشت"
ATTRIBUTION = re.compile(
    rf"^[\s>*\-–|]{{0,8}}(?=.*(?:\d|@)).{{0,400}}?(?:(?<!\w)(?:{WROTE})(?!\w)|{WROTE_CJK}).{{0,120}}?[:：]\W{{0,3}}$"
    rf"|^\s*-{{2,}}.{{4,300}}(?<!\w)(?:{WROTE})\s*-{{2,}}\s*$"
    r"|^\W{0,6}on .{0,20}\d.{4,200}@.{2,100}\bwrote$|^\W{0,6}on .{0,20}\d.{4,200}\bsent:$",
    re.IGNORECASE,
)
# "2013/7/20 Sam via Meta <info@example.com>", with or without a colon; "Mon, 4 Jan 2016, Sam <s@example.com>:"
DATED = re.compile(
    r"^\s*(?:\d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|(?:\w{2,4}\.?,? )?\d{1,2}\.? \w{3,9}\.?,? \d{4})"
    r".{0,160}<\s*\S+@\S+\s*>\s*[:：]?\s*$"
    r"|^\s*\w{3,12}, \d{1,2}\.? \w{3,12} \d{4}.{4,160}<\s*\S+@\S+\s*>\s*[:：]\s*$"
    r"|^\s*\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d .{1,80}$"
)
BEGINS = re.compile(  # as an attribution surely does
    r"^[\s>*\-–|]{0,8}(?:(?:on|am|le|el|il|op|em|den|på|w dniu|dnia|dne|dňa|vào|στις|pe|în|в|at)\b|tarihinde|ב|在"
    r"|\w{2,12}[.,]? \d{1,2}[.,]? |\d{1,4}[-/.年 ])",
    re.IGNORECASE,
)
NAMES_SOMEBODY = re.compile(r"^[\s>*\-–|]{0,8}[\"'“<]?[\w.+ -]{1,60}[\"'”]?,? ?[<(\[]")
UNDATED = re.compile(rf"^\s*(?:on|am|le) .{{1,80}} (?:{WROTE}):\s*$", re.IGNORECASE)

FROM = r"from|von|de|da|van|od|от|від|from|fra|från|lähettäjä|feladó|kimden|expéditeur|mittente|gönderen|από|mailto|발신|보낸 ?사람|发件人|寄件者|寄件人|差出人|מאת|من|pošiljatelj|remitente|remetente|odosielateľ|odesílatel|nadawca|afzender|avsändare"
OTHER = (
    r"to|an|à|a|copie à|sujet|message du|para|aan|do|komu|кому|til|till|vastaanottaja|címzett|kime|destinataire|alıcı|προς|收件人|宛先|받는 ?사람|אל"
    r"|cc|kopie|copie|kopia|kopi|копия|抄送|참조"
    r"|sent|date|gesendet|datum|envoyé(?: le)?|enviad[oa](?: el| em)?|fecha|data|inviato|verzonden|wysłano|odesláno|отправлено|дата"
    r"|sendt|skickat|dato|lähetetty|päivämäärä|elküldve|dátum|gönderildi|tarih|发送时间|发送日期|日期|寄件日期|送信日時|日時|보낸 ?날짜|날짜|נשלח|sendt|odoslané|ημερομηνία"
    r"|subject|betreff|objet|asunto|oggetto|onderwerp|assunto|temat|předmět|predmet|тема|emne|ämne|aihe|tárgy|konu|θέμα|主题|主題|主旨|件名|제목|נושא|reply-to"
)
FIELD = re.compile(
    rf"^[\s>*|]{{0,6}}(?:(?P<from>{FROM})|(?P<other>{OTHER}))\s*\*?\s*[:：]\*?\s*\S?", re.IGNORECASE
)

ORIGINAL_WORDS = (
    r"(?:original|reply|ursprüngliche|urspr\.|originale|oprindelig|opprinnelig|ursprungligt|alkuperäinen|oorspronkelijk|original[ea]?"
    r"|wiadomość|původní|pôvodná|eredeti|исходное|оригинальное|mensaje|messaggio|mensagem|message|antwort|özgün|orijinal)"
    r"(?: (?:message|appointment|nachricht|meddelelse|besked|melding|meddelande|viesti|bericht|oryginalna|zpráva|správa|üzenet"
    r"|сообщение|письмо|original|originale|d'origine|d’origine|initial|mesaj|ileti|mail|e-?mail))"
)
ORIGINAL = re.compile(
    rf"^[\s>*]{{0,6}}[-_=*–—]{{1,}}[ ]*(?:{ORIGINAL_WORDS}|原始邮件|原邮件|原始郵件|元のメッセージ|원본 메시지|원본메일)[ ]*[-_=*–—]*\s*$"
    rf"|^[\s>*]{{0,6}}(?:{ORIGINAL_WORDS})[:]?\s*[-_=–—]{{3,}}\s*$",
    re.IGNORECASE,
)
RULED = re.compile(r"^[\s>]{0,4}[-_=–—]{4,}[ ]*[^\W\d_][^-_=–—]{2,60}?[ ]*[-_=–—]{4,}\s*$")
RULE = re.compile(r"^\s*[-_=*–—~]{5,}\s*$")
REPLY_ABOVE = re.compile(
    r"^\W{0,20}.{0,60}(?:(?:reply|type|write|answer) above (?:this|the) .{0,12}line|antwort(?:en sie)? (?:bitte )?(?:ober|über)"
    r"(?:halb)? dieser (?:zeile|linie)|répond(?:re|ez) au-dessus de cette ligne|escrib[ae] .{0,20}encima de esta línea).{0,60}$"
    r"|^\W{2,20}reply above\b.{0,60}$",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    r"^\s*(?:[-_=*]{2,}[ ]*)?(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)|début du message (?:réexpédié|transféré)"
    r"|inizio messaggio inoltrato|inicio del mensaje reenviado|forwarded (?:message|by .{1,60})|weitergeleitete nachricht|message transféré|mensaje reenviado|messaggio inoltrato"
    r"|doorgestuurd bericht|mensagem encaminhada|videresendt (?:meddelelse|melding)|vidarebefordrat (?:meddelande|brev)|vidarebefordrat mejl|välitetty viesti"
    r"|wiadomość przekazana|přeposlaná zpráva|továbbított üzenet|пересылаемое сообщение|переадресоване повідомлення|转发的?邮件|轉寄郵件|転送メッセージ|전달된 메시지|iletilen mesaj)"
    r"[ ]*[:：]?(?:[ ]*[-_=*]{2,})?\s*$",
    re.IGNORECASE,
)

SENT_FROM = re.compile(
    r"^[\s*_\[]{0,4}(?:sent (?:wirelessly |securely )?from my (?!.{0,60}\bis\b).{1,80}|envoyé sans fil .{1,80}|(?:sent|sended|send) (?:from|via|using|with|by) (?:my|a|the|mobile|outlook|yahoo|gmail|mail|proton|samsung|aol|airmail|mailbox|windows|surface|iphone|ipad|android)\b(?!.{0,60}\bis\b).{0,60}"
    r"|get outlook for \w.{0,30}|sent from .{0,30}(?:iphone|ipad|blackberry|android|smartphone|mobile|device).{0,40}"
    r"|(?:von meinem|von meiner|gesendet von|gesendet mit|gesendet über|diese nachricht wurde von) .{1,80}|envoyé (?:de|à partir d|depuis|avec) ?.{1,60}|enviado (?:desde|do|de|a partir) .{1,60}"
    r"|inviato (?:da|dal) .{1,60}|verzonden (?:vanaf|met|via) .{1,60}|verstuurd vanaf .{1,60}|skickat från .{1,60}|sendt fra .{1,60}|lähetetty .{1,40}stä|wysłane z .{1,60}|odesláno z .{1,60}"
    r"|отправлено (?:с|из) .{1,60}|(?:отправлено|надіслано) .{1,20}(?:iphone|ipad|android).{0,20}|发自我的.{1,30}|從我的.{1,20}傳送|iphone\s*から送信.{0,10}|나의 .{1,20}에서 보냄"
    r"|.{1,20}imden gönderildi|poslano z .{1,40}|trimis de pe .{1,40})[\s*_\]]{0,4}$",
    re.IGNORECASE,
)
DELIMITER = re.compile(r"^\s{0,3}(?:--|—|––|-- ?|__+|\*\*|_ _)\s*$|^\s*-{2,3}\s?$")
