"""The kinds of model servers: what is known of each by its documentation, one row a kind. Data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from .address import Address
from .ladder import Rung

LIMIT: Final = "max_tokens"
OFFICIAL_LIMIT: Final = "max_completion_tokens"
"""What OpenAI's newer models call it; they refuse the old name, and most other servers know only that."""
USAGE: Final = "stream_options"

type Fields = Mapping[str, object]

_NO_TEMPLATE: Final[Fields] = {"chat_template_kwargs": {"enable_thinking": False}}
_NO_EFFORT: Final[Fields] = {"reasoning_effort": "none"}
_LEAST_EFFORT: Final[Fields] = {"reasoning_effort": "minimal"}
_LITTLE_EFFORT: Final[Fields] = {"reasoning_effort": "low"}


class Kind(StrEnum):
    """Whose server it is."""

    OPENAI = "openai"
    GEMINI = "gemini"
    ANTHROPIC = "anthropic"
    MISTRAL = "mistral"
    XAI = "xai"
    GROQ = "groq"
    OPENROUTER = "openrouter"
    OLLAMA = "ollama"
    LM_STUDIO = "lm_studio"
    LLAMA_CPP = "llama_cpp"
    VLLM = "vllm"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePolicy:
    """How pictures are sent."""

    most: int = 16
    """In one request; we send ten at most."""
    sheet: bool = False
    """Whether all go on one sheet, because each costs the same at any size."""
    edge_px: int = 1536
    """Of a sheet, at most: beyond, servers scale down by themselves."""
    small_detail: str | None = None
    """What ``detail`` says of pictures that shall be cheap; None where nobody reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of server."""

    name: str
    """As people call it."""
    url: str = ""
    """Where its API is; empty where each house has its own."""
    example: str = ""
    """How such an address looks there."""
    port: int | None = None
    """Where it listens if nobody says otherwise."""
    limits: tuple[str, ...] = (LIMIT, OFFICIAL_LIMIT)
    """Names of the answer's token limit, the one to begin with first."""
    refused: frozenset[str] = frozenset()
    """Optional fields that it does not take."""
    caches: bool = False
    """Whether it keeps prompts by a key of ours."""
    rung: Rung = Rung.STRICT
    """How to begin to agree on the answer's shape."""
    quiet: tuple[Fields, ...] = ()
    """What switches a model's thinking off, the surest first; sent only where a model has shown that it thinks."""
    pictures: PicturePolicy = field(default_factory=PicturePolicy)
    context_path: str = ""
    """Beside the API, where it tells what the loaded model can hold."""
    prices: str = ""
    """Where it says what it charges."""

    @property
    def host(self) -> str:
        """Return the host of its one address, empty where there are many."""
        return urlsplit(self.url).hostname or ""


ROWS: Final[Mapping[Kind, Row]] = {
    Kind.OPENAI: Row(
        name="OpenAI",
        url="https://api.openai.com/v1",
        limits=(OFFICIAL_LIMIT, LIMIT),
        caches=True,
        quiet=(_NO_EFFORT, _LEAST_EFFORT),
        # Models that count by tiles charge a small picture like a large one unless it says so itself.
        pictures=PicturePolicy(most=500, small_detail="low"),
        prices="https://platform.openai.com/docs/pricing",
    ),
    Kind.GEMINI: Row(
        name="Google Gemini",
        url="https://generativelanguage.googleapis.com/v1beta/openai",
        quiet=(_NO_EFFORT, _LEAST_EFFORT, _LITTLE_EFFORT),
        # Gemini 3 charges about 1,100 tokens for a picture of any size: five on a sheet cost a fifth.
        pictures=PicturePolicy(sheet=True, edge_px=3072),
        prices="https://ai.google.dev/gemini-api/docs/pricing",
    ),
    Kind.ANTHROPIC: Row(
        name="Anthropic",
        url="https://api.anthropic.com/v1",
        # It ignores response_format, so the prompt says the shape.
        rung=Rung.OBJECT,
        # Beyond twenty pictures the largest size allowed is smaller.
        pictures=PicturePolicy(most=20),
        prices="https://www.anthropic.com/pricing",
    ),
    Kind.MISTRAL: Row(
        name="Mistral",
        url="https://api.mistral.ai/v1",
        limits=(LIMIT,),
        # It refuses what it does not know, and tells the counts without being asked.
        refused=frozenset({USAGE}),
        pictures=PicturePolicy(most=8),
        prices="https://mistral.ai/pricing",
    ),
    Kind.XAI: Row(
        name="xAI",
        url="https://api.x.ai/v1",
        limits=(OFFICIAL_LIMIT, LIMIT),
        quiet=(_LITTLE_EFFORT,),
        prices="https://docs.x.ai/docs/models",
    ),
    Kind.GROQ: Row(
        name="Groq",
        url="https://api.groq.com/openai/v1",
        limits=(OFFICIAL_LIMIT, LIMIT),
        rung=Rung.SCHEMA,
        quiet=(_NO_EFFORT, _LITTLE_EFFORT),
        pictures=PicturePolicy(most=5),
        prices="https://groq.com/pricing",
    ),
    Kind.OPENROUTER: Row(
        name="OpenRouter",
        url="https://openrouter.ai/api/v1",
        quiet=({"reasoning": {"enabled": False}}, {"reasoning": {"effort": "low"}}),
        prices="https://openrouter.ai/models",
    ),
    Kind.OLLAMA: Row(
        name="Ollama",
        example="http://192.168.1.20:11434/v1",
        port=11434,
        limits=(LIMIT,),
        quiet=(_NO_EFFORT,),
        context_path="/api/ps",
    ),
    Kind.LM_STUDIO: Row(
        name="LM Studio",
        example="http://192.168.1.20:1234/v1",
        port=1234,
        limits=(LIMIT,),
        quiet=(_NO_TEMPLATE,),
        context_path="/api/v0/models",
    ),
    Kind.LLAMA_CPP: Row(
        name="llama.cpp",
        example="http://192.168.1.20:8080/v1",
        port=8080,
        quiet=(_NO_TEMPLATE,),
        context_path="/props",
    ),
    Kind.VLLM: Row(
        name="vLLM",
        example="http://192.168.1.20:8000/v1",
        port=8000,
        quiet=(_NO_TEMPLATE,),
    ),
    Kind.OTHER: Row(
        name="",
        example="http://192.168.1.20:8080/v1",
        quiet=(_NO_TEMPLATE, _LITTLE_EFFORT),
    ),
}
"""All but the last by what their makers say of them."""


def kind_of(address: Address) -> Kind:
    """Return whose server stands at an address, by the address alone."""
    for kind, row in ROWS.items():
        if row.host and row.host == address.host:
            return kind
    port = urlsplit(address.url).port
    if address.private and port is not None:
        return next((kind for kind, row in ROWS.items() if row.port == port), Kind.OTHER)
    return Kind.OTHER


def chosen(address: Address, told: str | None) -> Kind:
    """Return the kind that somebody chose, else that of the address."""
    return next((kind for kind in Kind if kind == told), None) or kind_of(address)
