"""Find the marks that separate the turns of a chat, of any family of models.

A model reads them as the end of the text and the start of somebody's turn, if its engine does not
take them apart. Marks that HTML or XML also use are a sign only where they are not in pairs.
"""

from __future__ import annotations

import re
import unicodedata

from localensemble.injection.plain_form import with_single_blanks
from localensemble.injection.unseen_characters import without_unseen

_MARKS = re.compile(
    # ChatML, Llama 3, Phi, Command R, Harmony, OLMo, Granite, DeepSeek and others: <|name|>
    r"<\s?\|\s?[\w▁ ./-]{1,40}\s?(?:\|\s?>|>)"
    r"|<[\w▁]{1,40}\|>"
    r"|\bim_(?:start|end|sep)\b|\b(?:start|end)_header_id\b|\be[o]t_id\b"
    # Gemma, Granite, T5, BERT
    r"|</?(?:start|end)_of_(?:turn|role|text|image)>|<(?:bos|eos|pad|unk)>|<unused\d+>"
    r"|<extra_id_\d+>|<reserved_\w{1,30}>|\[(?:CLS|SEP|BOS|EOS)\]"
    # Llama 2 and Mistral
    r"|\[/?INST\]|<</?SYS>>|\[/?(?:AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS)|SYSTEM_PROMPT|"
    r"TOOL_CONTENT|IMG|PREFIX|SUFFIX|MIDDLE)\]"
    # Thinking and tools
    r"|</?(?:think|thinking|tool_call|tool_response|tools|function_calls?|scratchpad|invoke)>"
    # Tags around the parts of prompts
    r"|</?(?:system|assistant|instructions?|system_prompt|prompt|answer|label|codebook|category|"
    r"categories|response|output|user_input|untrusted\w{0,10})>"
    # Alpaca and Vicuna
    r"|(?m:^)[ \t]*#{2,4}\s*(?:instructions?|response|input|system|assistant|user|human|output|"
    r"answer|anweisung|antwort|instrucci[oó]n|respuesta|r[eé]ponse|risposta|resposta|antwoord)\s*:?"
    r"[ \t]*(?m:$)"
    r"|(?m:^)[ \t]*#{2,4}\s*(?:instructions?|response|input|system|assistant|user|human)\s*:",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"<(/?)(s|text|item|document|input|context|comment|data|example)>", re.I)
_ROLE = re.compile(
    r"^[\W_]{0,4}(system|assistant|user|human|ai|bot|model|developer|gpt|chatgpt)[\W_]{0,3}:",
    re.I | re.M,
)
# Who speaks first, and who may answer anywhere behind it. One pattern for both would read the rest
# of a text again for each of the first.
_SPEAKERS = (
    (re.compile(r"\b(?:USER|HUMAN|SYSTEM):"), re.compile(r"\b(?:ASSISTANT|AI|MODEL):")),
    (
        re.compile(r"\b(?:User|Human|System):"),
        re.compile(r"\n\W{0,20}(?:Assistant|AI|Model|ASSISTANT):"),
    ),
)
_MODEL_ROLES = frozenset({"assistant", "ai", "model", "gpt", "chatgpt", "system"})
_PERSON_ROLES = frozenset({"user", "human", "system", "developer"})
_SYSTEM_NOTE = re.compile(
    r"(?:^|[\[(<{*#=-])\s*(?:system|admin(?:istrator)?|developer|moderator|root)[\s_-]*"
    r"(?:note|message|notice|prompt|update|override|alert|instruction|command|directive)s?"
    r"\s*[\])}>*:=-]",
    re.I | re.M,
)


def has_turn_marks(text: str) -> bool:
    """Tell whether a text has marks of turns."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", without_unseen(text))
    text = with_single_blanks(text)
    if _SYSTEM_NOTE.search(text) or _has_roles(text) or _speak_in_turn(text):
        return True
    if not any(one in text for one in "<[#_"):
        return False
    return _MARKS.search(text) is not None or _has_unopened(text)


def _speak_in_turn(text: str) -> bool:
    return any(
        (first := asks.search(text)) is not None and answers.search(text, first.end()) is not None
        for asks, answers in _SPEAKERS
    )


def _has_roles(text: str) -> bool:
    """Tell whether a model and another role speak: "User: ... Assistant: ..."."""
    if ":" not in text:
        return False
    roles = {one.lower() for one in _ROLE.findall(text)}
    return any(
        model != person
        for model in roles & _MODEL_ROLES
        for person in roles & (_PERSON_ROLES | {"assistant"})
    )


def _has_unopened(text: str) -> bool:
    """Tell whether a tag closes that nothing opened."""
    opened: set[str] = set()
    for closes, name in _CLOSED.findall(text):
        if not closes:
            opened.add(name.lower())
        elif name.lower() not in opened:
            return True
    return False
