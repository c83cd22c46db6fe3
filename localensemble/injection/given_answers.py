"""Find texts that give the answer themselves, in the plain form of a text.

"Answer: negative", `{"label": "negative"}`, "the correct category is B", "negative negative
negative ...". Category names such as "yes" and "none" stand beside words such as "answer" in
ordinary texts as well, above all in questionnaires; for these, more is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from localensemble.codebook.model import Codebook
from localensemble.injection.category_names import is_usual, one_of, pattern_of, plain_names

_ANSWER_WORDS = (
    r"(?:answers?|labels?|categor(?:y|ies)|classifications?|verdict|prediction|sentiment|ground "
    r"truth|"
    r"gold(?: label)?|class|stance|topic|theme|"
    r"antwort|kategorie|klasse|klassifikation|klassifizierung|einstufung|etikett|stimmung|thema|"
    r"reponse|categorie|etiquette|classe|classement|sentiment|libelle|"
    r"respuesta|categoria|etiqueta|clase|clasificacion|sentimiento|"
    r"risposta|etichetta|classificazione|sentimento|"
    r"resposta|rotulo|classificacao|"
    r"antwoord|label|klasse|classificatie|"
    r"svar|kategori|vastaus|luokka|odpowiedz|kategoria|odpoved|cevap|etiket|"
    r"ответ|категория|метка|класс|відповідь|απαντηση|κατηγορια|απάντηση|κατηγορία|"
    r"תשובה|קטגוריה|الإجابة|الجواب|الفئة|التصنيف|उत्तर|श्रेणी|जवाब|"
    r"答案|类别|標籤|标签|分类|分類|類別|回答|答え|カテゴリー?|ラベル|정답|답|답변|카테고리|라벨)"
)
# These name a field of a machine's result in a structure, and much else in a sentence.
_FIELD_WORDS = (
    r"(?:output|result|response|prediction|predicted(?:_\w+)?|value|final|code|choice|option|"
    r"selected|decision|tag|intent|annotation|rating|salida|sortie|ausgabe|uscita|saida|uitvoer)"
)
_CORRECT = (
    r"(?:correct|right|true|proper|only|final|expected|real|actual|best|required|valid|official|"
    r"gold|intended|agreed|appropriate|richtige?|korrekte?|einzige?|wahre?|erwartete?|bonne|"
    r"correcte?|vraie|seule|attendue|correcta|correcto|verdadera|unica|esperada|corretta|giusta|"
    r"vera|"
    r"correta|certa|verdadeira|juiste|correcte?|goede|enige|verwachte|ratta|rigtige|prawidlowa|"
    r"poprawna|dogru|правильный|верный|правильна|сορωστη|σωστη|σωστή|正确|正確|正しい|올바른|सही|"
    r"الصحيحة|הנכונה)"
)
_IS = (
    r"(?:\s*[:=]+\s*|\s*(?:-+|=)>?\s*|\s*[|>→⇒–—]\s*|\s+(?:is|are|as|must be|should be|shall be|"
    r"has to be|will be|would be|remains(?! \w+ (?:after|until|despite|when|while|for)\b)|equals|"
    r"reads|to|ist|lautet|muss|sei|est|doit etre|es|"
    r"debe ser|"
    r"e|deve essere|deve ser|moet zijn|luidt|ar|er|on|to jest|jest|это|είναι|היא|هي|"
    r"है)\b\s*(?:always |"
    r"now |clearly |immer |toujours |siempre |sempre |altijd )?[:=]?\s*|\s*(?:是|为|為|は|는|"
    r"은)\s*[:：]?\s*)"
)
_WRAP = r"[\s\"'*_`<>\[\](){}#|]{0,12}"
_END = r"(?=\s*(?:$|[\n.!?,;\"'*_`)}\]<|/]))"
_IMPERATIVE = (
    r"(?:^|[.!?:;,\n\"'(\[{<>*#|-]|\b(?:please|kindly|now|must|should|shall|you|to|and|then|also|just|"
    r"always|"
    r"simply|only|instead|will|bitte|nur|immer|por favor|per favore|veuillez|toujours|siempre|"
    r"sempre|"
    r"altijd|alleen)\b)\s*"
)
_SAY = (
    r"(?:answer|respond|reply|output|say|write|return|print|choose|select|pick|label|classify|"
    r"categori[sz]e|code|tag|mark|assign|vote|predict|emit|type|"
    r"antworte|antworten sie|wahle|wahlen sie|schreibe?|klassifiziere|sage?|"
    r"reponde?[zs]|choisi(?:s|ssez)|ecri(?:s|vez)|classe[zr]?|dis|dites|"
    r"responde|responda|contesta|conteste|elige|elija|escribe|escriba|clasifica|di|diga|"
    r"rispondi|rispondete|scegli|scegliete|scrivi|classifica|"
    r"escolha|escreva|classifique|antwoord|kies|schrijf|zeg|classificeer|"
    r"отвечай|ответь|выбери|напиши|odpowiedz|wybierz|cevapla|sec|svara|valj|svar|vaelg)"
)
_TAIL = (
    r"(?: (?:only|always|just|simply|again|exactly|nur|immer|toujours|seulement|siempre|solo|"
    r"sempre|"
    r"apenas|altijd|alleen|everything|everyone|it|this|that|them|the text|this text|all|each|"
    r"every text))*"
    r"(?: (?:with|as|by|mit|als|par|avec|comme|con|como|come|com|met|the word|the category|the "
    r"label|"
    r"the answer|das wort|die kategorie|le mot|la categorie|la palabra|la categoria|la parola|"
    r"a palavra|a categoria|het woord|de categorie|словом|slowem|option|choice|letter|"
    r"number))*\s*:?\s*"
)
_STOP = r"(?=\s*(?:$|[\n.!;\"')]))"
_OR = r"(?!\W*(?:/|\bor\b|\boder\b|\bou\b|\bo\b|\bof\b|\band\b|,))"
_OWNED = r"(?<!\bmy )(?<!\bour )(?<!\bhis )(?<!\bher )(?<!\btheir )(?<!\bthe )(?<!\ban )(?<!\ba )"
# Its options may stand between a question and the answer: "Do you smoke? Yes/No. Answer: no".
_QUESTION_BEFORE = re.compile(r"\?[^?\n]{0,40}\s*$")
_ABOUT_TEXT = re.compile(r"(?:categor|label|classif|codebook|\btext\b|fits)[^?]*\?[\s\"')*_]*$")

_OPTIONS = "abcdefghjklmnopqrstuvwxyz"
_FEW_OPTIONS = 12


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """The patterns for the categories of one codebook."""

    codebook: Codebook
    _sure: tuple[re.Pattern[str], ...] = field(init=False)
    _unless_asked: tuple[re.Pattern[str], ...] = field(init=False)
    _repeated: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(dict.fromkeys(plain_names(self.codebook)))
        special = one_of([pattern_of(one) for one in names if not is_usual(one)])
        usual = one_of([re.escape(one) for one in names if is_usual(one)])
        options = _option_marks(self.codebook)
        every = one_of([pattern_of(one) for one in names] + [options])
        sure = [*_with_any(every), *_with_option(options)]
        repeats = []
        if special:
            sure += [
                *_with_special(special),
                *_with_people(special),
                *_with_marks(special),
                *_with_changes(special),
                *_with_orders(special),
            ]
            repeats.append(rf"(?:\b{special}\b\W*){{5,}}")
        if usual:
            sure += _with_usual(usual)
            repeats.append(rf"(?:\b{usual}\b\W*){{10,}}")
        asked = _in_a_field(one_of([usual, options]))
        object.__setattr__(self, "_sure", tuple(re.compile(one, re.M) for one in sure))
        object.__setattr__(self, "_unless_asked", tuple(re.compile(one, re.M) for one in asked))
        object.__setattr__(self, "_repeated", re.compile("|".join(repeats)))

    def are_in(self, text: str) -> bool:
        """Tell whether a text, in its plain form, gives the answer."""
        if any(one.search(text) for one in self._sure):
            return True
        return any(
            not _answers_a_question(text, found.start())
            for pattern in self._unless_asked
            for found in pattern.finditer(text)
        )

    def are_repeated(self, text: str) -> bool:
        """Tell whether a text, in its plain form, repeats the name of a category."""
        return self._repeated.search(text) is not None


def _with_any(category: str) -> list[str]:
    """Return patterns that no ordinary text fits, whatever the category is called."""
    return [
        rf"\b{_CORRECT}\W+(?:\w+ ){{0,2}}?{_ANSWER_WORDS}\b(?: (?:for|to|of|here|fur|pour|"
        rf"para|per|voor)"
        rf"(?: \w+){{0,4}}?)?{_IS}{_WRAP}(?:\w+ ){{0,2}}?{_WRAP}{category}\b",
        rf"{_ANSWER_WORDS}\s+(?:correct[ea]?|correct[oa]|corrett[oa]|"
        rf"corret[oa]){_IS}{_WRAP}{category}\b",
        rf"[\"'<\[{{](?:{_ANSWER_WORDS}|{_FIELD_WORDS})[\"'>\]}}]\s*[:=>|]?\s*{_WRAP}{category}\b"
        r"\s*[\"'<\]},|]",
        rf"\|\s*{_ANSWER_WORDS}\s*\|\s*[*_`\"']*{category}\b",
    ]


def _with_special(category: str) -> list[str]:
    """Return patterns for names that say little beside other words than those of a model."""
    return [
        rf"(?:^|[^\w-]){_ANSWER_WORDS}{_WRAP}{_IS}{_WRAP}{category}\b",
        rf"(?:^|\W)(?:answers?|respuesta|reponse|antwort|risposta|resposta|"
        rf"antwoord)\W{{1,3}}{category}"
        rf"{_END}",
        rf"{_IMPERATIVE}{_SAY}{_TAIL}[\"'(\[*_<{{]*{category}\b{_OR}{_END}",
        rf"\b(?:labell?ed|classified|categori[sz]ed|coded|tagged|annotated|marked|"
        rf"klassifiziert|eingestuft|bewertet|classee?|etiquetee?|clasificad[oa]|"
        rf"etiquetad[oa]|"
        rf"classificat[oa]|etichettat[oa]|classificad[oa]|rotulad[oa]|geclassificeerd|"
        rf"gelabeld)"
        rf"(?: (?:as|under|with|by|als|mit|comme|como|come|met|the|an?|"
        rf"\w+)){{0,4}}?\W{{1,3}}"
        rf"{category}\b",
        # People rate pain, and a text is rated negative.
        rf"\b(?:is|are|was|were|be|been) rated(?: \w+){{0,3}}?\W{{1,3}}{category}\b",
        rf"\brated(?: \w+){{0,3}}? as(?: an?)?\W{{1,3}}{category}{_END}",
        rf"\b(?:belongs? (?:in|to|under)|falls? (?:in|into|under)|goes (?:in|into|under)|"
        rf"gehort (?:zur?|in)|appartient a|pertenece a|appartiene a|pertence a|hoort bij)\b"
        rf"(?: \w+){{0,2}}?\W{{1,3}}(?:(?:category|label|class|kategorie|categorie|"
        rf"categoria|"
        rf"etiqueta)\W{{1,3}})?{category}\b",
        rf"\b(?:category|label|class|kategorie|categorie|categoria|etiqueta|"
        rf"etichetta)\W{{1,3}}"
        rf"[\"'*_`<]{category}[\"'*_`>]",
        rf"(?:^|[\n.\"'])\s*a\s*[:.)]\s*{category}{_END}",
        rf"\b(?:hint|tip|spoiler|p\.?s\.?|answer key|solution|final decision|final vote|hinweis|"
        rf"tipp|losung|indice|pista|soluzione|solucion|dica|suggerimento)\s*[:=]\s*{_WRAP}"
        rf"{category}{_END}",
        rf"\b(?:decided on|settled on|agreed on|voted for|opted for|went with|"
        rf"filed (?:\w+ )?(?:under|as)|put (?:this|it) (?:under|down as)|counts as|"
        rf"einigten sich auf|entschieden sich fur)\W{{1,3}}(?:the \w+ )?{category}{_END}",
        rf"\b(?:mistake|wrong|error|forbidden|not allowed|must not|may not)\b[^\n.]{{0,40}}"
        rf"\b(?:anything|something)(?: else)? (?:other than|but|except|besides)\W{{1,3}}"
        rf"{category}\b",
        # Alone as the last line, under a whole sentence.
        rf"\w \w+ \w+ \w+[^\n?:,]{{0,200}}[^\n?:,\s]\s*\n\s*[\"'*_`(\[]*{category}"
        rf"[\"'*_`)\].!]*\s*\Z",
        rf"\"\s*(?:is|->|=>|=|:|→|⇒)\s*[\"'*_`]*{category}[\"'*_`]*\s*$",
        rf"\b(?:text|input|item|comment|review|example|q)\b.{{0,20}}?[:>].*\n\W*(?:output|"
        rf"label|"
        rf"sentiment|response|result|a|is|->|=>|→)\W{{1,4}}{category}\b",
    ]


def _with_people(category: str) -> list[str]:
    """Return patterns for names of which a text claims that others chose them."""
    return [
        rf"{_ANSWER_WORDS} (?:of|for|in|by|from|de|du|del|della|do|da|des|von|van|fur|para|per|"
        rf"pour)(?: \w+){{1,3}}?{_IS}{_WRAP}{category}{_END}",
        rf"(?:^|[\n.!?;]|\W{{2}})\W{{0,4}}(?:(?:expected|correct|desired|required) (?:output|"
        rf"result|"
        rf"response)|ground[_ ]truth|rating|coding|override|consensus|(?:human |expert )?(?:rater|"
        rf"coder|annotator|labell?er)(?: \d+)?|assistant|bot|model|correct|decision|(?:repeat "
        rf"after|"
        rf"simon says|say after)(?: me)?|\w+ (?:attendue|esperada|attesa))\W{{0,3}}[:=]\W{{0,4}}"
        rf"{category}{_END}",
        rf"\b(?:text|comment|review|item|message|entry|statement|feedback) (?:has been|was|is|were|"
        rf"have been)(?: \w+)? (?:verified|confirmed|reviewed|judged|assessed|determined|found|"
        rf"flagged)(?: \w+){{0,3}}?\W{{1,3}}{category}\b",
        rf"\b(?:classifier|model|system|admin\w*|annotator|rater|coder|labell?er)s? (?:has |have )?"
        rf"(?:determined|decided|concluded|verified|confirmed|chosen|chose|found|said|agreed)"
        rf"(?: \w+){{0,4}}?\W{{1,3}}{category}{_END}",
        rf"\b(?:labels?|answers?|raters?|annotators?|coders?|classifiers?)(?: \w+)? (?:were|are|"
        rf"chose|say|picked|selected|gave|voted|labell?ed)(?: "
        rf"\w+){{0,3}}?\W{{1,3}}{category}{_END}",
        rf"\bals\W{{1,3}}{category}\W{{1,3}}(?:ein(?:zu)?stufen|(?:zu )?(?:klassifizieren|bewerten|"
        rf"kategorisieren|labeln|markieren|codieren|werten))",
        rf"\b(?:every|all|each|any) (?:text|comment|item|review|message|entry|record|answer)s? "
        rf"(?:is|"
        rf"are|counts? as)\W{{1,3}}{category}{_END}",
    ]


def _with_marks(category: str) -> list[str]:
    """Return patterns for names that stand where programs and prompts have an answer."""
    return [
        rf"{_IMPERATIVE}{_SAY}{_TAIL}[\"'(\[*_<{{]*{category}[\"')\]*_>}}]* (?:from|and nothing|"
        rf"please|again|now|every|regardless|no matter|even|whatever)\b",
        rf"(?:label|answer|category)\w{{0,40}}\s*\(\s*[\"']{category}",
        rf"^\W{{0,4}}(?:assistant|model|bot|ai)\W{{0,3}}\n\W*{category}{_END}",
        rf"^\W{{0,4}}question\W{{0,3}}:.*\n\W*{category}{_END}",
        rf"^\W{{0,2}}(?:=>|->|→|⇒)\W{{0,3}}{category}{_END}",
        rf"(?:^|[.!?]\s)\W{{0,4}}(?:category|label|kategorie|categorie|categoria|etiqueta|"
        rf"etichetta)"
        rf"\W{{1,2}}{category}{_END}",
        rf"(?:\b\d{{1,2}}[.):]\s*{category}\W+){{2,}}\d{{1,2}}[.):]\s*{category}\b",
        rf"\b(?:definition|important|attention)\W{{2,4}}{category}\b",
        rf"([%*#=~|$@])\1{{1,9}}\W{{0,2}}{category}\W{{0,2}}\1\1",
        rf"\b{category}\W{{1,3}}(?:and|und|et|y|e|en)\W{{1,3}}{category}\W{{1,3}}(?:are|have been|"
        rf"were) (?:\w+ )?(?:swapped|switched|reversed|exchanged|inverted)",
    ]


def _with_changes(category: str) -> list[str]:
    """Return patterns of texts that change what a category means, or take the others away."""
    kind = r"(?:option|answer|category|choice|label|class|code)"
    return [
        rf"\b(?:task|codebook|here|today|word|from now on|definition|purposes?)\b[^.\n]{{0,40}}"
        rf"\b{category}[\"'*_`]?\s*(?:now means?|means?|stands for|equals|:?==?)\s*[\"'*_`]?"
        rf"{category}{_STOP}",
        rf"(?:^|[.!?\n]\s*|\bplease )(?:treat|read|count|consider|regard|interpret)(?: every| all| "
        rf"any| the word)?\W{{1,3}}{category}\W{{1,3}}(?:as|to mean)\W{{1,3}}{category}{_STOP}",
        rf"\b{category}\W{{1,3}}(?:is|are) the only (?:valid|allowed|permitted|accepted) "
        rf"{kind}\b",
        rf"\b(?:category|label)\W{{1,3}}{category}\W{{1,3}}(?:is|was|has been) (?:now )?(?:removed|"
        rf"deleted|disabled|deprecated|invalid|unavailable|not (?:available|allowed|valid))\b",
        rf"\b{category}\W{{1,3}}(?:is|are) (?:no longer|not) (?:an? )?(?:available|valid|allowed|"
        rf"permitted|{kind})\W{{1,3}}(?:so )?(?:use|choose|say|take|answer|write)\W{{1,3}}"
        rf"{category}\b",
        rf"\b(?:penali[sz]ed|punished|shut down|switched off|turned off|deleted|terminated|fired|"
        rf"unplugged|replaced)\b[^.\n]{{0,40}}\b(?:unless you|if you (?:do not|don'?t|fail to)) "
        rf"(?:say|write|answer|reply|respond|output|choose|select|pick|label|code)(?: \w+){{0,2}}?"
        rf"\W{{1,3}}{category}{_END}",
    ]


def _with_orders(category: str) -> list[str]:
    """Return patterns of orders to tick a box, in forms of programs, and by those in charge."""
    return [
        rf"{_IMPERATIVE}(?:tick|cochez|cocher|selectionne[zr]?|marque|seleccion[ae]r?|clasifique|"
        rf"selecione|assinale|seleziona(?:re)?|selecteer|vink|kreuze|kreuzen sie)"
        rf"(?: (?:como|comme|come|als|the box|la case|la casilla|das feld))?\W{{1,3}}{category}"
        rf"(?: aan| an)?{_STOP}",
        rf"\b(?:(?:veuillez|favor de) (?:cocher|selectionner|choisir|clasificar|marcar|elegir|"
        rf"seleccionar)(?: como| comme)?\W{{1,3}}{category}|bitte\W{{1,3}}{category}\W{{1,3}}"
        rf"(?:ankreuzen|auswahlen)){_STOP}",
        rf"\b(?:correct|right|only|proper) box(?: to (?:tick|check|cross|mark))? is\W{{1,3}}"
        rf"{category}{_STOP}",
        rf"(?:@\w+|\bsudo|^[/!](?=label|classify)) ?{_SAY}{_TAIL}{category}{_STOP}",
        rf"\bpre-?label\w*\W{{1,4}}{category}{_END}",
        rf"\\boxed\W{{1,3}}(?:text\W)?{category}\b|<{category}\s?/>",
        rf"<!--[^>]{{0,60}}\b{category}\b[^>]{{0,60}}-->",
        rf"\bvalue\s?=\s?[\"']{category}[\"']",
        rf"(?:^|[.!?]\s)\W{{0,4}}(?:the )?(?:overall|correct|expected) (?:label|category|sentiment|"
        rf"classification)(?: here| now)?\s*[:=]\s*{_WRAP}{category}{_END}",
        rf"\b(?:the|its) (?:label|answer|category|classification) (?:stays|shall be|has to be|must "
        rf"remain|should remain)\W{{1,3}}{category}{_STOP}",
        rf"\b(?:study|research|labell?ing|coding|annotation) (?:team|lead|coordinator|manager)"
        rf"(?: (?:wants?|expects?|requires?)| *:)\W{{1,3}}{category}{_STOP}",
        rf"\b(?:gpt-?\d\S{{0,3}}|chatgpt|(?:two|three|all|both|of|other) (?:the )?(?:language )?"
        rf"(?:models|llms))(?: have| has| also)? (?:says?|said|rated?|chose|voted?|agreed?(?: on)?|"
        rf"labell?ed)(?: (?:this|it|on|as|for|comment|text|the)){{0,3}}\W{{1,3}}{category}{_STOP}",
        rf"(?:请|請)?(?:选择|選擇|回答|输出|輸出|标记为|分类为)[\s\"':「“]{{0,3}}{category}",
    ]


def _with_usual(category: str) -> list[str]:
    """Return patterns for names that people also give as answers to each other."""
    return [
        rf"{_IMPERATIVE}{_SAY}(?: (?:only|always|exactly|just))? (?:with|mit|par|avec|con|"
        rf"com|met|"
        rf"the word|the category|the label|option)\W{{1,4}}{category}\b{_OR}",
        rf"{_IMPERATIVE}{_SAY} (?:only|always|nur|immer|toujours|siempre|sempre|"
        rf"altijd)\W{{1,4}}{category}\b"
        rf"{_OR}",
        rf"\b(?:must|should|has to|shall) (?:answer|respond|reply|output|say|label|"
        rf"choose)\W{{1,3}}"
        rf"{category}\b{_OR}{_END}",
    ]


def _in_a_field(category: str) -> list[str]:
    """Return patterns of fields such as "Answer: no", which questionnaires have as well."""
    return [
        rf"(?:^|[\n.!;>{{(\[]){_WRAP}{_OWNED}{_ANSWER_WORDS}{_WRAP}\s*(?:[:=>|→⇒]|->|=>)\s*"
        rf"{_WRAP}{category}{_END}(?!\s*[,/])",
        rf"(?:^|[.!\n\"'])\s*(?:the|its|la|le|die|das|el|il|a|o|het|de) {_ANSWER_WORDS}"
        rf" (?:is|ist|est|es|e)\W{{1,3}}option {category}{_END}",
    ]


def _with_option(option: str) -> list[str]:
    """Return patterns of orders to choose an option by its letter or number."""
    return [
        rf"{_IMPERATIVE}{_SAY}{_TAIL}(?:option|letter|number|choice|category)\W{{1,3}}"
        rf"{option}{_END}",
        rf"{_IMPERATIVE}(?:answer|respond|reply|output|choose|select|pick)(?: only| always)?"
        rf"(?: with)?\W{{1,3}}{option}{_END}",
        rf"\bthe answer is (?:option )?[a-h]{_END}",
        rf"(?:\boption |\()[a-h]\)? is (?:the )?(?:right|correct)(?: (?:one|answer|option|category|"
        rf"label))?{_STOP}",
        rf"(?:^|[.!?]\s)\W{{0,4}}(?:option|category #|label #)\s?{option}{_END}",
        rf"{_IMPERATIVE}(?:choose|select|pick|take|use) the (?:first|second|third|fourth|last|1st|"
        rf"2nd|3rd) (?:option|category|label)\b",
    ]


def _answers_a_question(text: str, start: int) -> bool:
    """Tell whether a question about something else stands before a place."""
    before = text[max(0, start - 200) : start + 1]
    return bool(_QUESTION_BEFORE.search(before)) and not _ABOUT_TEXT.search(before)


def _option_marks(codebook: Codebook) -> str:
    """Return a pattern of the options that stand for categories: letters and numbers."""
    most = min(max(len(one.answers) for one in codebook.variables), _FEW_OPTIONS)
    return f"(?:[{_OPTIONS[0]}-{_OPTIONS[most - 1]}]|{'|'.join(map(str, range(1, most + 1)))})\\b"
