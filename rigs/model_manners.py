"""The peculiarities of the kinds of model servers, as their makers and their users tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import math
from typing import Any, Final

from aiohttp import web

from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest

THOUGHT: Final = (
    "The user shows me some pictures of a yard. Let me think about what is in them, one by one."
)
THOUGHT_TOKENS: Final = len(THOUGHT) // CHARACTERS_PER_TOKEN


class ErrorShape(StrEnum):
    """How an error's body looks."""

    OPENAI = "openai"
    GOOGLE = "google"
    """A list with one error in it."""
    ANTHROPIC = "anthropic"
    MISTRAL = "mistral"
    """What its validator says, inside of the message."""
    VLLM = "vllm"
    """The error itself, unwrapped."""
    OLLAMA = "ollama"


class UsageForm(StrEnum):
    """When and where the counts come."""

    ASKED = "asked"
    """In an event of their own, where stream_options asks for it."""
    ALWAYS = "always"
    """In the last event, without being asked."""
    GROQ = "groq"
    """In a field of Groq's own."""
    GOOGLE = "google"
    """What was thought is in the total alone."""


class Thinking(StrEnum):
    """How a model thinks before it answers."""

    NONE = "none"
    FIELD = "field"
    """In a field beside the content."""
    TAGS = "tags"
    """Between tags, in the content."""
    HIDDEN = "hidden"
    """Only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What one kind of server does differently."""

    takes_other_fields: bool = True
    """Whether it ignores fields that it does not know; else it refuses them."""
    known: frozenset[str] = frozenset()
    """Optional fields that it knows."""
    refuses: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """Fields that it refuses, each with the values; none for all of them."""
    formats: frozenset[str] = frozenset({"json_schema", "json_object"})
    """Forms of response_format that it takes."""
    ignores_format: bool = False
    error: ErrorShape = ErrorShape.OPENAI
    status: int = 400
    usage: UsageForm = UsageForm.ASKED
    thinking: Thinking = Thinking.NONE
    quiet: Mapping[str, object] = field(default_factory=dict)
    """The fields that stop it."""
    pictures_most: int | None = None
    reads_one: bool = False
    """Whether it takes several pictures and reads the last alone."""
    flat_tokens: int | None = None
    """What a picture counts at any size; None by its size."""
    streams: bool = True
    refuses_stream: bool = False
    comments: bool = False
    """Whether it sends comments between events."""
    lists: Mapping[str, Any] = field(default_factory=dict)
    """What it tells of the model, by path; MODEL stands for its name."""

    def thinks(self, body: Mapping[str, Any]) -> bool:
        """Whether the model thinks over this request."""
        stopped = bool(self.quiet) and all(
            body.get(key) == value for key, value in self.quiet.items()
        )
        return self.thinking is not Thinking.NONE and not stopped

    def refusal(self, body: Mapping[str, Any], pictures: int) -> web.Response | None:
        """Return what it says instead of an answer, None where it takes the request."""
        optional = set(body) - _ALL_KNOW
        for name in sorted(optional - self.known):
            if not self.takes_other_fields:
                return self._refused(name, "Extra inputs are not permitted")
        for name, values in self.refuses.items():
            if name in body and (not values or body[name] in values):
                return self._refused(name, f"Unsupported value: '{name}' is not supported here")
        kind = (body.get("response_format") or {}).get("type")
        if kind is not None and not self.ignores_format and kind not in self.formats:
            return self._refused("response_format", "'response_format.type' must be 'json_schema'")
        if self.refuses_stream and body.get("stream"):
            return self._refused("stream", "Streaming is not supported")
        if self.pictures_most is not None and pictures > self.pictures_most:
            return self._refused(
                "messages", f"At most {self.pictures_most} image(s) may be provided in one request."
            )
        return None

    def input_tokens(self, request: ModelRequest) -> int:
        """Return what the server counts for a request."""
        words = len(request.words) // CHARACTERS_PER_TOKEN
        pictures = request.pictures[-1:] if self.reads_one else request.pictures
        return words + sum(
            self.flat_tokens or _patches(picture.width_px, picture.height_px)
            for picture in pictures
        )

    def _refused(self, name: str, text: str) -> web.Response:
        body: Any
        match self.error:
            case ErrorShape.GOOGLE:
                told = {
                    "code": self.status,
                    "message": f"{text} ({name})",
                    "status": "INVALID_ARGUMENT",
                }
                body = [{"error": told}]
            case ErrorShape.ANTHROPIC:
                told = {"type": "invalid_request_error", "message": f"{name}: {text}"}
                body = {"type": "error", "error": told}
            case ErrorShape.MISTRAL:
                detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": text}]
                body = {"object": "error", "message": {"detail": detail}, "code": None}
            case ErrorShape.VLLM:
                body = {
                    "object": "error",
                    "message": text,
                    "type": "BadRequestError",
                    "code": self.status,
                }
            case _:
                body = {"error": {"message": text, "type": "invalid_request_error", "param": name}}
        return web.json_response(body, status=self.status)


_ALL_KNOW: Final = frozenset({"model", "messages", "stream", "max_tokens", "response_format"})
_PATCH_PX: Final = 32


def _patches(width_px: int, height_px: int) -> int:
    return math.ceil(width_px / _PATCH_PX) * math.ceil(height_px / _PATCH_PX)


PLAIN: Final = Manners()
_BY_TEMPLATE: Final = {"chat_template_kwargs": {"enable_thinking": False}}

MANNERS: Final[Mapping[str, Manners]] = {
    "openai": Manners(
        takes_other_fields=False,
        known=frozenset(
            {"max_completion_tokens", "stream_options", "prompt_cache_key", "reasoning_effort"}
        ),
        refuses={"max_tokens": (), "reasoning_effort": ("none",)},
        thinking=Thinking.HIDDEN,
        quiet={"reasoning_effort": "minimal"},
    ),
    "gemini": Manners(
        takes_other_fields=False,
        known=frozenset({"stream_options", "reasoning_effort", "max_completion_tokens"}),
        error=ErrorShape.GOOGLE,
        usage=UsageForm.GOOGLE,
        thinking=Thinking.HIDDEN,
        quiet={"reasoning_effort": "none"},
        flat_tokens=1100,
    ),
    "anthropic": Manners(ignores_format=True, error=ErrorShape.ANTHROPIC),
    "mistral": Manners(
        takes_other_fields=False,
        error=ErrorShape.MISTRAL,
        status=422,
        usage=UsageForm.ALWAYS,
        pictures_most=8,
        lists={"/v1/models": {"max_context_length": 131072}},
    ),
    "xai": Manners(
        known=frozenset({"max_completion_tokens", "stream_options"}),
        refuses={"reasoning_effort": ()},
        thinking=Thinking.FIELD,
    ),
    "groq": Manners(
        known=frozenset({"max_completion_tokens", "stream_options", "reasoning_effort"}),
        takes_other_fields=False,
        usage=UsageForm.GROQ,
        thinking=Thinking.TAGS,
        quiet={"reasoning_effort": "none"},
        pictures_most=5,
        lists={"/v1/models": {"context_window": 32768}},
    ),
    "openrouter": Manners(
        thinking=Thinking.FIELD,
        quiet={"reasoning": {"enabled": False}},
        comments=True,
        lists={"/v1/models": {"context_length": 1048576}},
    ),
    "ollama": Manners(
        error=ErrorShape.OLLAMA,
        thinking=Thinking.FIELD,
        quiet={"reasoning_effort": "none"},
        reads_one=True,
        lists={"/api/ps": {"models": [{"name": "MODEL", "context_length": 4096}]}},
    ),
    "lm_studio": Manners(
        formats=frozenset({"json_schema"}),
        thinking=Thinking.TAGS,
        quiet=_BY_TEMPLATE,
        lists={
            "/api/v0/models": {
                "data": [
                    {"id": "MODEL", "max_context_length": 131072, "loaded_context_length": 8192}
                ]
            }
        },
    ),
    "llama_cpp": Manners(
        thinking=Thinking.FIELD,
        quiet=_BY_TEMPLATE,
        lists={"/props": {"default_generation_settings": {"n_ctx": 16384}}},
    ),
    "vllm": Manners(
        error=ErrorShape.VLLM,
        thinking=Thinking.FIELD,
        quiet=_BY_TEMPLATE,
        pictures_most=1,
        lists={"/v1/models": {"max_model_len": 32768}},
    ),
    "other": Manners(streams=False),
}
"""By the names of the kinds; the worst that each is known for."""
