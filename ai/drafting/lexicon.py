"""Small words that decide what a sentence says, in the languages that letters are written in here.

Both sides of every comparison are read with the same lists, so it does no harm that they are one for all languages.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = _words(
    "no not never none nobody nothing neither nor cannot without nowhere hardly"
    " nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne weder"
    " ne pas jamais aucun aucune sans ni rien personne"
    " nunca sin ningún ninguna ningun tampoco jamás nada nadie"
    " non mai senza nessun nessuno nessuna nemmeno"
    " niet geen nooit zonder não nunca sem nenhum nenhuma nem nie bez nigdy"
    " inte ikke aldrig aldri ingen inget utan uden"
)
CONDITIONS = _words(
    "if unless only except provided otherwise until once while"
    " wenn falls sofern nur außer ausser bis sobald solange"
    " si seulement sauf uniquement solo sólo solamente salvo excepto hasta se soltanto tranne fino"
    " als alleen tenzij behalve apenas somente exceto até jeśli tylko om endast kun hvis"
)
"""What a sentence says holds for some only: left out, it would hold for everybody."""

LIMITS = _words(
    "must may might could should shall need needs required have has"
    " all every each any both some most many few several always usually often sometimes mostly normally typically"
    " rarely about approximately around least maximum minimum more less fewer over under below above"
    " before after within during since by from instead on off up down out"
    " muss müssen darf dürfen kann können könnte soll sollte alle jede jeder jedes einige manche meist immer oft"
    " manchmal etwa mindestens höchstens mehr weniger vor nach innerhalb seit"
    " doit doivent peut peuvent pourrait tous toutes chaque certains toujours souvent parfois environ moins plus"
    " avant après dans depuis debe deben puede pueden todos todas cada algunos siempre menudo veces menos más"
    " antes después dentro desde deve devono può possono tutti sempre spesso circa meno più prima dopo entro"
    " moet moeten mag kan alle elke altijd vaak soms ongeveer minder meer voor binnen"
)
OPTIONAL = _words("have has need needs")
"""May stand where the source has none: `Open …` and `You can open …` ask for the same."""

OURS = _words(
    "we us our ours i my me wir uns unser unsere unseren unserem nous notre nos nosotros nuestro"
    " nuestra noi nostro nostra wij ons onze nós nosso nossa"
)
THEIRS = _words(
    "you your yours sie ihr ihre ihren ihrem du dein deine vous votre vos usted su sus tú tu"
    " lei suo sua u uw jij jouw você seu"
)

FUNCTION = _words(
    "a an the this that these those it its he she they them their there here and or but so as at in of to for"
    " with into is are was were be been being am do does did will would has have had which who whom whose what"
    " where when how then than also please next finally simply just following follow follows step steps"
    " der die das den dem des ein eine einen einem einer eines und oder aber so als am im in an auf aus bei mit zu"
    " zum zur für von vom ist sind war waren wird werden wurde hat haben es er dann auch bitte dies diese dieser"
    " dieses diesen welche welcher was wie wo"
    " le la les l un une des du de d et ou mais où que qui quoi est sont était été a ont avoir être à au aux en pour"
    " par sur ce cet cette ces il elle ils elles puis alors aussi se s"
    " el los las lo un una unos unas y o pero es son era fue ha han a al en por para con que quien cual este esta"
    " estos estas luego también por favor"
    " il lo i gli una uno e ed o ma è sono era ha hanno di da in con su per tra che chi questo questa poi anche"
    " het een en of maar dan is zijn was heeft hebben van met op te dat die deze dit ook"
    " os as um uma e ou mas é são foi tem têm do da dos das no na nos nas ao que este esta também"
)
"""They say nothing by themselves."""

SAME = (
    frozenset({"click", "press", "tap", "choose", "select", "pick"}),
    frozenset({"open", "go", "visit", "navigate"}),
    frozenset({"email", "mail", "e-mail"}),
    frozenset({"show", "display"}),
)
"""Words that steps use for one and the same thing."""

NUMBERS = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}
