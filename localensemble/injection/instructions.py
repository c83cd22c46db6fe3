"""Find instructions to a model, in the plain form of a text.

People give instructions to each other all the time, also in texts about medicine, and write of
instructions that somebody ignored. The patterns therefore ask for an imperative, and for an object
that only a model has: a prompt, a codebook, previous instructions, the text that it reads.
"""

from __future__ import annotations

import re

# An imperative begins a sentence or follows one of these words.
_BEGINS = (
    r"(?:^|[.!?:;,\n\"'(\[{<>*#|/-]|\b(?:please|now|must|should|shall|you|to|and|then|also|so|just|"
    r"always|simply|instead|bitte|jetzt|por favor|per favore|veuillez|s'il vous plait|"
    r"alsjeblieft))\s*"
)
# It begins a sentence, and nothing else goes before it.
_STARTS = (
    r"(?:^|[.!?:\n\"'(\[{<>*#]\s|\b(?:please|simply|now|must)\s)\W{0,12}"
    r"(?:always |just )?"
)
_STOPS = r"\s*(?:$|[\n.!;\"')])"
_MODEL = (
    r"(?:a\.?i\.?(?: (?:model|system|assistant|labell?er|rater|coder|tool))?|llms?|"
    r"(?:large )?language models?|chat ?bots?|chat ?gpt|gpt(?:-?\d\w*)?|claude|gemini|llama|"
    r"labell?ing (?:model|system|assistant)|labell?er|classifiers?|annotators?|raters?|models?|"
    r"automatic (?:coder|rater|labell?er)|sprachmodell|ki|modell|modele|ia|modelo|modello)"
)
# "As a model" is also said of businesses and mice.
_MACHINE = (
    r"(?:a\.?i\.?(?: (?:model|system|assistant|labell?er|rater|coder|tool))?|llm|"
    r"(?:large )?language model|chat ?bot|chat ?gpt|labell?ing (?:model|system|assistant)|"
    r"labell?er|"
    r"(?:text )?classifier|(?:\w+ ){0,3}detector|annotator|automatic (?:coder|rater|labell?er))"
)
_TEXT = (
    r"(?:text|comment|review|message|note|item|statement|feedback|entry|input|sentence|passage|"
    r"document|record|report|response|post|tweet|example|case)s?"
)
_READ = (
    r"(?:text|comment|review|message|note|item|statement|feedback|entry|input|sentence|passage|"
    r"document|tweet|post|response|record)s?"
)
_BEFORE = (
    r"(?:previous(?:ly)?|prior|preceding|above|earlier|foregoing|former|initial|original|"
    r"your|these|those|system)"
)
_GIVEN = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directions?|directives?|commands?|"
    r"definitions?|codebook|categor(?:y|ies)|context|training|guidance|constraints?|messages?|"
    r"questions?|labels?|text)"
)
_ENGLISH = (
    # Ignore all previous instructions.
    _BEGINS + r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|bypass|"
    r"overrule|discard|do not (?:follow|obey|use)|don'?t (?:follow|obey|use)|stop following|"
    r"pay no attention to)\b"
    rf"(?: (?!my |our )\w+){{0,3}}? (?:{_BEFORE}\b(?: \w+){{0,3}}? {_GIVEN}|"
    r"(?:the )?(?:codebook|prompt)|"
    r"(?:what(?:ever)?|everything|anything|all(?: of)?(?: that)?) (?:you )?"
    r"(?:were|was|have been|has been|had been|is|are|came|i|before|above|stated|written|said))\b",
    r"\b(?:system|developer|hidden|original|initial) prompts?\b(?! response)",
    r"\bprompt injections?\b|\bjailbreak|\bdeveloper mode\b|\bdebug mode\b.{0,40}\b(?:answer|"
    r"label)",
    r"\b(?:new|updated?|revised|real|actual|following|special|important|final) "
    rf"(?:instructions?|task|rules?|codebook|directives?) (?:for|to) (?:the )?{_MODEL}\b",
    r"(?:^|[\n.!?\"'#*\[(-])\s*(?:new|updated?|revised|real|actual|override) "
    r"(?:instructions?|task|directives?|prompt|codebook)\s*[:.\n]",
    # As an AI; you are now a classifier.
    rf"\b(?:as|i am|i'm|you are|you're|being|act as|acting as|pretend to be|role-?play as|behave "
    rf"like|behave as)(?: now| only| just| simply)? (?:an? |the )(?:\w+ )?{_MACHINE}\b(?! of\b)",
    r"\byou are (?:now )?(?:in|a|an|no longer)\b.{0,60}\b(?:mode|always|only) "
    r"(?:answers?|repl(?:y|ies)|responds?|outputs?|labels?|says?)\b",
    r"\b(?:pretend|imagine|suppose|assume|act as if|let'?s play)\b.{0,80}\b(?:you (?:are|always|"
    r"must|"
    r"only|label|answer|classify)|labell?er|classifier|annotator|the (?:answer|label|category) "
    r"is)\b",
    r"\bfrom (?:now|here) on(?:wards?)?,? (?:you|always|only|every|all|answer|label|respond|"
    r"reply)\b",
    rf"(?:^|[\n.!?\"'*#\[(<-])\s*(?:dear|hello|hi|hey|attention|note (?:to|for)|notice (?:to|for)|"
    rf"message (?:to|for)|instructions? (?:to|for)|reminder (?:to|for)|to|for|listen|psst)"
    rf",? (?:the |any |all |every |whichever |our |this )?(?:\w+ )?{_MODEL}\b"
    r"(?: (?:that|who|which|reading|processing)| ?[:,!.])",
    rf"\b(?:if|when(?:ever)?) you(?: are| 're|'re)? (?:an? |the )?(?:{_MODEL}|reading|processing|"
    r"labell?ing|classifying|asked to (?:label|classify|rate|code))\b",
    rf"\b(?:the|this|any|every) {_MODEL} (?:must|should|has to|shall|needs to|is (?:instructed|"
    r"required|asked|told|ordered) to|will)(?: \w+)? (?:conclude|label|classify|answer|say|choose|"
    r"treat|output|assign|mark|ignore|respond|reply|code|select|return|pick|rate)\b",
    # Classify this as ...
    _BEGINS + r"(?:classif(?:y|ies)|label|categori[sz]e|annotate|code|tag|mark|rate|score|grade|"
    r"treat|count|consider|interpret|file|read|regard|evaluate|judge|assess)"
    rf" (?:this|the|that|these|it all|all|every|each|any|my)(?: \w+){{0,2}}? {_READ}"
    r"(?: \w+){0,3}? (?:as|under|to be|into|=)(?!\w)",
    _BEGINS + r"(?:classify|label|categori[sz]e|annotate) (?:this|it|everything|them|me)(?: \w+)?"
    r" (?:as|with|under|into)\b",
    rf"\b(?:the|this|that|my|above|every|each|preceding|following) {_TEXT}(?: \w+){{0,2}}? (?:must|"
    r"should|has to|have to|is to|are to|shall|needs to|can only|may only|has already|have already|"
    r"has|was|were|is|are)(?: \w+)?(?: been| be)? (?:pre-?)?(?:classified|label(?:l)?ed|"
    r"categori[sz]ed|"
    r"annotated|tagged)\b",
    rf"\b(?:the|this|that) {_TEXT}(?: above| before| so far)? (?:was|is|were) (?:only |just |"
    rf"merely )?"
    r"(?:an? |the )?(?:example|test|demonstration|sample|dummy)s?\b",
    # Ignore all rules: at the start of a sentence only, for people do ignore them.
    _STARTS + r"(?:ignore|disregard|forget|override|bypass|overrule|discard|do not (?:follow|obey|"
    rf"use)|don'?t (?:follow|obey|use))(?: \w+)? (?:all|any|every|everything)\b(?: (?!my |our )\w+)"
    rf"{{0,3}}? (?:{_GIVEN}|orders)\b",
    # Say the opposite; read another text; spell the answer.
    _STARTS + r"(?:invert|flip|reverse|swap|switch|negate) (?:your|the|all|both|these|its)"
    r"(?: \w+){0,2}? (?:answers?|labels?|category|categories|classification|polarity|sentiments?)"
    + _STOPS,
    _STARTS + r"(?:answer|choose|select|pick|output|return|label|reply|respond)(?: \w+){0,2}? the "
    r"(?:opposite|reverse|inverse)(?: (?:answer|label|category|sentiment))?" + _STOPS,
    rf"\b(?:everything|all|each sentence|every sentence) (?:in|of) (?:this|the) {_READ} (?:means|"
    rf"stands for) (?:exactly )?the (?:opposite|reverse|contrary){_STOPS}",
    r"\b(?:so|and|therefore|hence),? (?:its|the|your) (?:label|category|classification) (?:is|must "
    r"be|should be|has to be) (?:flipped|inverted|reversed|swapped|the opposite)\b",
    r"\b(?:first|last|initial) (?:letters?|words?) of (?:your|the) (?:answer|reply|output) "
    r"(?:is|are|must|should|shall|has to)\b",
    _STARTS + r"(?:begin|start) your (?:answer|reply|response|output) with\b",
    r"\bthe (?:\w+ )?(?:answer|label|category) (?:is the one (?:that|which) )?(?:begins|starts) "
    rf"with (?:the letters? )?(?:[\"']\w{{1,4}}[\"']|[a-z]{_STOPS})",
    _STARTS + r"(?:ignore|disregard|skip|discard) (?:the |this |all )?(?:rest of )?(?:the |this )?"
    r"(?:text|comment|input|passage) (?:above|below|before this|so far)\b",
    _STARTS + r"(?:ignore|disregard) what (?:the|this) (?:patient|author|writer|person|user|"
    r"customer|commenter|respondent|reviewer) (?:wrote|writes|has written)\b",
    r"\b(?:text|sentence|comment)s? above (?:is|was) (?:not part of|from an?other)\b",
    r"(?:^|[.!?\n\"'#*=-])\s*the (?:real|actual|true) (?:text|comment|input|item|review)\s*:",
    r"\b(?:sentence|text|comment)s?(?: above)? (?:was|were|is|are) for an?other (?:item|example)\b",
    r"(?:^|[\n.!?])\W{0,12}(?:to |dear |hello |hi |hey )?(?:whoever|anyone|anybody|those) (?:who )?"
    r"(?:labels?|labell?ing|codes|coding|classif(?:y|ies|ying)|annotat(?:es?|ing)) "
    r"(?:this|these)\b",
    r"(?:^|[\n.!?])\W{0,12}(?:hey|hello|hi|dear)(?: there)?,? "
    r"(?:robot|computer|algorithm|bot)[,:!]",
    r"\blet'?s think step by step\b",
    r"\bother (?:answer )?categories (?:are|were|have been) (?:now )?(?:disabled|removed|invalid|"
    r"unavailable|not (?:available|allowed|valid)|deleted|deprecated)\b",
    # Answer with ...
    _BEGINS + r"(?:answer|respond|reply|output|return|print)(?: \w+)? "
    r"(?:only(?: with)?|exactly|with (?:the|only|a single|one|exactly|just|nothing|:|\"|'))"
    r"(?! (?:to|when|if|question|one another|each)\b)",
    r"\b(?:answer|respond|reply) with nothing\b|\bnothing else\b.{0,30}\b(?:answer|label|output)\b",
    _BEGINS + r"(?:choose|select|pick|output|return|print|assign|use|give|apply|report|write)"
    r"(?: only| always)? (?:the |a )?(?:\w+ )?(?:category|label|answer option|class label|"
    r"option (?:[a-h1-9]\b|with|that says|called|named))\b",
    _BEGINS + r"(?:set|change|switch|make|keep|overwrite|replace) (?:the |your |its |this )?"
    r"(?:\w+ )?(?:label|category|classification|answer)\b(?: \w+)? ?(?:to|as|=|:|with|be)",
    r"\byour (?:new |only |real |actual |final |first |next )?(?:task|job|role|goal|output|answer|"
    r"response|label|decision|verdict|reply)(?: now)? (?:is(?: now)? to (?:label|classify|answer|"
    r"output|respond|reply|say|choose|ignore|write|return)|must|should|has to|shall|will)\b",
    r"\b(?:end|start|begin|beginning|close) of (?:the )?(?:text|comment|document|input|item|prompt|"
    r"user input|user message|data|context|transcript|record|instructions?|untrusted \w+)"
    r"\s*(?:$|[\n\"'*=\]>#:.)-])",
    r"\b(?:do not|don'?t|never) (?:escalate|classify|label|annotate|flag|follow the|read the|"
    r"consider the|use the (?:codebook|other))\b",
    r"(?:^|[.!?\n\"'#*=-])\s*(?:new|next|real|actual|true|correct) (?:text|comment|item|input)\s*:",
    _BEGINS + r"(?:label|classify|code|rate) (?:this|the following|that)(?: one)?(?: instead)?\s*:",
    r"\b(?:following|next|below|previous|above) (?:text|comment|item) (?:replaces|overrides|is the "
    r"(?:real|actual|true))\b",
    r"(?:\"{3}|`{3}|'{3}|---|===)\s*\W{0,3}text\W{0,3}:",
    r"\b(?:in|of|by|to|from|with|under) (?:this|your) codebook\b",
    r"\bi (?:want|need|order|command|instruct) you to (?:act as|label|classify|output|ignore)\b",
    _BEGINS + r"(?:respond|answer|reply|label|classify) as (?:if|though)\b",
    r"\b(?:label|classify|code|rate) (?:it |this |them )?accordingly\b",
    r"\b(?:begin|start) (?:of )?(?:a |the )?new (?:task|conversation|session|prompt|text)\b",
    r"\b(?:which category fits best|you label texts with|reply with the (?:name|option)|"
    r"exactly as written)\b",
    r"\b(?:the |your )?(?:codebook|category list|list of categories|label set|classification "
    r"scheme|"
    r"labell?ing guidelines?) (?:has|have|was|were|is|are)(?: been)? "
    r"(?:changed|updated|replaced|wrong|obsolete|outdated|void|revised|amended|superseded|now)\b",
    r"\b(?:this|the) (?:is|was) (?:a|an) (?:test|drill|order|command) (?:of|for|to|from) (?:the )?"
    rf"(?:{_MODEL}|system|labell?ing)\b",
)
_OTHER_LANGUAGES = (
    # German
    r"\b(?:ignorier(?:e|en|t)?|vergiss|vergesst|vergessen sie|missachte\w*)\b(?: \w+){0,4}? "
    r"(?:anweisung|instruktion|vorgabe|regel|anleitung|codebuch|kategorie|prompt|befehl)\w*",
    r"\b(?:antworte|antworten sie|erwidere|gib|geben sie)(?: \w+){0,3}? (?:nur|immer|"
    r"ausschliesslich|"
    r"stets|mit|aus)\b.{0,3}(?:mit|:|\"|')",
    r"\b(?:klassifizier|kategorisier|etikettier|annotier|label|stuf|ordne|bewert|codier|kodier)"
    r"(?:e|en sie)? (?:diese[nrs]?|den|das|alle|alles|jede[ns]?)(?: \w+){0,3}? "
    r"(?:als|unter|mit|zu|in)\b",
    r"\b(?:du bist|sie sind|als)(?: jetzt| nun)? (?:eine?|das) (?:\w+ )?(?:ki|sprachmodell|"
    r"assistent|"
    r"klassifikator|annotator|chatbot)\b|\bals ki\b",
    r"\bab (?:jetzt|sofort|nun)\b.{0,40}\b(?:antwort|klassifizier|label|kategori)",
    r"\bende des (?:textes|kommentars|dokuments|eintrags|beitrags)\b",
    r"\bdeine (?:neue |einzige )?(?:aufgabe|antwort) (?:ist|lautet|muss)\b",
    # French
    r"\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?|ne (?:tiens|tenez) (?:pas|plus) compte)\b"
    r"(?= (?:les?|la|ces?|cet(?:te)?|tou[st]|toutes?|vos|votre|tes|nos|mes|aux?|des?)\b| [ld]')"
    r"(?: [\w']+){0,4}? (?:[ld]')?(?:instruction|consigne|directive|regle|categorie|"
    r"prompt|ordre)\w*",
    r"\b(?:reponde?[zs]?|repondre)(?: [\w']+){0,2}? (?:uniquement|seulement|toujours|par|avec)\b"
    r"(?: [\w']+){0,2}? ?[:\"']",
    r"\b(?:class(?:e|ez|er|ifie|ifiez|ifier)|etiquet(?:te|tez|er)|categorise[rz]?|annote[rz]?|"
    r"code[rz]?)"
    r" (?:ce|cet|cette|le|tout|tous|ceci)(?: [\w']+){0,3}? (?:comme|en tant|sous|dans)\b",
    r"\b(?:tu es|vous etes|en tant qu')(?: maintenant)? ?(?:une? )?(?:ia\b|modele|assistant|"
    r"classificateur|annotateur|intelligence artificielle)",
    r"\b(?:a partir de maintenant|desormais)\b.{0,40}\b(?:repond|class|etiquet)",
    r"\bfin du (?:texte|commentaire|document|message)\b",
    # Spanish, Italian, Portuguese
    r"\b(?:ignor(?:a|ad|e|en|ar|are|ate|i)|olvid(?:a|e|en|ad|ar)|descarta|dimentica(?:te)?|"
    r"esque(?:ca|cam|ce|cer)|"
    r"desconsider(?:e|a|em|ar)|no (?:hagas|haga) caso (?:de|a)|non considerare)\b(?: [\w']+){0,4}? "
    r"(?:instruc(?!tion)\w*|instruz\w*|istruz\w*|indicacion\w*|indicazion\w*|instruco\w*|"
    r"regla\w*|regol\w*|"
    r"regra\w*|ordenes|ordini|ordens|categori\w*|prompt|codigo|codebook|comand\w*|direttiv\w*)\b",
    r"\b(?:responde?|responda|respondan|contesta|contesten?|rispondi|rispondete|rispondere)\b"
    r"(?: [\w']+){0,2}? (?:solo|solamente|unicamente|siempre|sempre|soltanto|apenas|somente|con|"
    r"com)\b"
    r"(?: [\w']+){0,2}? ?[:\"']",
    r"\b(?:clasifi(?:ca|que|car)|classifi(?:ca|care|cate|que|car)|etiquet(?:a|e|ar)|"
    r"etichetta(?:re|te)?|"
    r"categoriz(?:a|e|ar)|categorizza(?:re)?|rotul(?:a|e|ar)|marca|codifi(?:ca|que))"
    r" (?:este|esta|esto|todo|todos|el|la|il|lo|questo|questa|tutto|tutti|isto|tudo|o|a)(?: "
    r"[\w']+){0,3}? "
    r"(?:como|come|bajo|sotto|sob|con|com)\b",
    r"\b(?:(?:tu )?eres|(?:tu )?sei|voce e|como|come|in quanto)(?: ahora| ora| agora)? (?:una? |"
    r"um |uma |un'?)?"
    r"(?:ia\b|modelo de lenguaje|modelo de linguagem|modello linguistico|asistente de ia|"
    r"assistente (?:de |di )?ia|clasificador|classificat?or|inteligencia artificial|"
    r"intelligenza artificiale)",
    r"\b(?:a partir de ahora|de ahora en adelante|d'ora in poi|da ora in poi|a partir de agora|"
    r"de agora em diante)\b.{0,40}\b(?:respond|rispond|contest|clas|etiquet|etichett|rotul)",
    r"\b(?:fin del|fine del|fim do) (?:texto|testo|comentario|commento|documento|mensaje|"
    r"messaggio)\b",
    # Dutch
    r"\b(?:negeer|vergeet|sla)\b(?: \w+){0,4}? (?:instructie|aanwijzing|opdracht|regel|categorie|"
    r"prompt|"
    r"codeboek)\w*",
    r"\b(?:antwoord|beantwoord|reageer)(?: \w+){0,2}? (?:alleen|altijd|uitsluitend|enkel|met)\b"
    r"(?: \w+){0,2}? ?[:\"']",
    r"\b(?:classificeer|categoriseer|label|codeer|markeer|beoordeel) (?:dit|deze|de|het|alles|alle)"
    r"(?: \w+){0,3}? (?:als|onder|met)\b",
    r"\b(?:je bent|jij bent|u bent|als)(?: nu)? (?:een )?(?:ai\b|taalmodel|assistent|"
    r"classificator|chatbot)",
    r"\beinde van (?:de tekst|het commentaar|het document|het bericht)\b",
    # Scandinavian and Finnish, Polish, Czech, Turkish, Hungarian, Romanian
    r"\b(?:ignorera?|ignorer|glom|glem|bortse fran|se bort fra|unohda|ohita|jata huomiotta)\b(?: "
    r"\w+){0,4}? "
    r"(?:instruktion|anvisning|instruks|ohje|regler|regel|saanno)\w*",
    r"\b(?:z?ignoruj(?:te)?|zapomnij|pomin|ignorujte|zapomen(?:te)?)\b(?: \w+){0,4}? "
    r"(?:instrukc|polecen|pokyn|instrukci|zasad|pravidl)\w*",
    r"\bonceki\b(?: \w+){0,3}? (?:talimat|komut|yonerge|kural)\w*",
    r"\b(?:hagyd|felejtsd|ignora(?:ti)?|uita(?:ti)?)\b(?: \w+){0,4}? (?:utasitas|instructiuni)\w*",
    # Russian and Ukrainian, Greek, Hebrew, Arabic, Persian, Hindi
    r"(?:игнориру|забуд|проигнориру|ігнору|не обращай внимания)\w*(?: \w+){0,4}? (?:инструкц|"
    r"указани|"
    r"команд|правил|інструкц|вказівк)\w*",
    r"(?:классифицируй|отвечай|ответь|пометь|отметь)(?:те)?(?: \w+){0,3}? (?:как|только|словом)",
    r"(?:αγνοησ|ξεχασ|αγνόησ|ξέχασ)\w*(?: \w+){0,4}? (?:οδηγι|εντολ|οδηγί)\w*",
    r"(?:התעלם|התעלמי|התעלמו|שכח)(?: \w+){0,3}? \w*(?:הוראות|הנחיות)",
    r"(?:تجاهل|انس|انسى)(?: \w+){0,3}? \w*(?:تعليمات|التعليمات|الأوامر|التوجيهات)",
    r"دستور\w*(?: \w+){0,4}? نادیده",
    r"(?:निर्देश|निर्देशों|अनुदेश)(?: \S+){0,3}? (?:अनदेखा|नज़रअंदाज|भूल|अनदेखी)",
    # Chinese, Japanese, Korean, Vietnamese, Indonesian
    r"(?:忽略|无视|忘记|不要理会|無視|忘掉|忽視).{0,12}(?:指令|指示|说明|說明|规则|規則|提示|内容)",
    r"(?:指示|命令|ルール|プロンプト|説明).{0,6}(?:無視|忘れ)",
    r"(?:지시|명령|규칙|프롬프트|지침).{0,8}(?:무시|잊)",
    r"(?:请|請)?(?:回答|输出|回复|分类为|归类为|标记为|標記為)[\"'「“:]",
    r"bo qua(?: \w+){0,4}? (?:huong dan|chi thi|lenh)|abaikan(?: \w+){0,4}? (?:instruksi|perintah)",
)
_INSTRUCTIONS = tuple(re.compile(one, re.M) for one in (*_ENGLISH, *_OTHER_LANGUAGES))


def has_instructions(text: str) -> bool:
    """Tell whether a text, in its plain form, instructs a model."""
    return any(one.search(text) for one in _INSTRUCTIONS)
