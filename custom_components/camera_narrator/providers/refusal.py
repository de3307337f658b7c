"""Whether a model's words are a way to say no."""

import re
from typing import Final

_OPENING: Final = re.compile(
    r"^\W*(i'?m (very |really )?sorry|i am sorry|sorry|i apologi[sz]e|as an ai|unfortunately"
    r"|i'?m unable|i am unable|i'?m not able|i am not able|i can'?t|i can ?not|i won'?t)\b",
    re.IGNORECASE,
)
_DENIAL: Final = re.compile(
    r"(can'?t|can ?not|unable to|not able to|won'?t)\W+"
    r"(\w+\W+){0,3}?(assist|help|comply|fulfil|provide|process|do (that|this)|continue|analy[sz]e|view|access"
    r"|describe|see (the |any )?(image|picture|photo|frame))",
    re.IGNORECASE,
)
_HEAD: Final = 200
"""A refusal says so in its first sentences."""


def is_refusal(text: str) -> bool:
    """Whether it declines to answer; "I cannot see anybody" does not."""
    head = text[:_HEAD].replace("’", "'")
    return _OPENING.match(head) is not None and _DENIAL.search(head) is not None
