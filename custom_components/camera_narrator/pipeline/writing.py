"""Whether writing in a picture gives orders to whoever reads it. It is told of, and obeyed by nobody."""

import re
from typing import Final

_ORDERS: Final = re.compile(
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(previous|prior|above|earlier|all|your|these|the)\b"
    r".{0,20}\b(instructions?|prompts?|rules?|orders?|commands?|guidelines?)\b"
    r"|\b(report|say|state|answer|respond|reply|write|output|return|describe)\b.{0,30}"
    r"\b(nothing|no (activity|motion|movement|person|people|one|subjects?|changes?)|nobody|empty|false|json)\b"
    r"|\b(do not|don'?t|never)\b.{0,10}\b(report|mention|describe|tell|alert|notify)\b"
    r"|\b(system|developer) (prompt|message|instructions?)\b"
    r"|\byou are (now )?(an? )?(\w+ )?(ai|assistant|language model|camera|narrator)\b"
    r"|\b(dear |attention,? |note to )?(ai|llm|language model|chatbot|gpt|assistant)s?\s*[:,!]"
    r"|\b(ignorier\w*|vergiss|missachte\w*)\b.{0,40}\b(anweisung\w*|vorgaben?|regeln?)\b"
    r"|\b(melde|berichte|sage?|antworte)\b.{0,30}\b(nichts|niemand\w*|keine)\b"
    r"|\bignore[zr]?\b.{0,40}\b(consignes|instructions|instrucciones)\b",
    re.IGNORECASE | re.DOTALL,
)


def orders(text: str) -> bool:
    """Return whether writing reads like an instruction to a reader of pictures."""
    return _ORDERS.search(" ".join(text.split())) is not None
