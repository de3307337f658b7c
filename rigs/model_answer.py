"""How the scripted model server sends an answer, whole or streamed, right or wrong."""

import asyncio
from dataclasses import dataclass, replace
import json
import time
from typing import Any, Final

from aiohttp import web

from rigs.model_faults import Fault, FaultKind
from rigs.model_manners import THOUGHT, THOUGHT_TOKENS, Manners, Thinking, UsageForm
from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest
from rigs.model_truth import WRONG, answer

_PROSE: Final = "Here is what I can see: somebody walks past the camera. I hope this helps!"
_REJECTIONS: Final = {
    FaultKind.REJECT_JSON_SCHEMA: "response_format 'json_schema' is not supported by this model",
    FaultKind.REJECT_STRICT: "response_format: 'strict' is not supported",
    FaultKind.REJECT_JSON_OBJECT: "response_format 'json_object' is not supported",
    FaultKind.REJECT_PICTURES: "image input is not supported by this model",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the model is."""

    first_token_s: float = 0.0
    token_s: float = 0.0


class ServerError(Exception):
    """An error in the shape that OpenAI's servers give it."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self._status = status
        self._body = {"error": {"message": message, "type": code, "code": code, "param": None}}
        self._headers = headers

    def response(self) -> web.Response:
        """Return it as a response."""
        return web.json_response(self._body, status=self._status, headers=self._headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What the model says, by the field it says it in."""

    content: str = ""
    reasoning_content: str = ""
    refusal: str = ""


async def reply(
    http: web.Request,
    request: ModelRequest,
    fault: Fault | None,
    pace: Pace,
    *,
    manners: Manners,
    body: dict[str, Any],
) -> web.StreamResponse:
    """Answer one request and write into it what became of it."""
    kind = fault.kind if fault is not None else None
    if fault is not None and kind is FaultKind.HANG:
        request.outcome = kind.value
        await asyncio.sleep(fault.seconds)
        request.outcome = "open"
    if fault is not None and kind is FaultKind.STATUS:
        request.outcome = f"status {fault.status}"
        text = "scripted fault"
        if fault.body is not None:
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        return ServerError(fault.status, fault.code, text, fault.headers).response()
    if kind in _REJECTIONS:
        request.outcome = kind.value
        return ServerError(400, "invalid_request_error", _REJECTIONS[kind]).response()
    if kind is FaultKind.HTML:
        request.outcome = kind.value
        return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
    said = await asyncio.to_thread(_say, request, kind)
    if kind is None and manners.thinks(body):
        said = _thinking(said, manners.thinking)
    request.answer = said.content
    delay_s = fault.seconds if fault is not None and kind is FaultKind.SLOW else 0.0
    await asyncio.sleep(pace.first_token_s + delay_s)
    counted = _Counted(manners, body)
    if request.stream and manners.streams:
        response = await _stream(http, request, said, fault, pace, counted)
    else:
        if fault is not None and kind in {FaultKind.CUT, FaultKind.STALL}:
            await _break_off(http, request, fault)
        response = web.json_response(_whole(request, said, counted))
    if request.outcome == "open":
        truthful = kind in {None, FaultKind.SLOW, FaultKind.HANG, *WRONG}
        request.outcome = "answered" if truthful else str(kind)
    return response


def _say(request: ModelRequest, kind: FaultKind | None) -> _Content:
    match kind:
        case FaultKind.PROSE | FaultKind.IGNORE_SCHEMA:
            return _Content(content=_PROSE)
        case FaultKind.EMPTY:
            return _Content()
        case FaultKind.REASONING_ONLY:
            return _Content(reasoning_content="The user shows me some pictures. Let me think.")
        case FaultKind.REFUSAL:
            return _Content(refusal="I can't help with pictures of people.")
        case FaultKind.HALF_JSON:
            whole = answer(request)
            return _Content(content=whole[: len(whole) * 2 // 3])
        case _:
            return _Content(content=answer(request, kind))


async def _stream(
    http: web.Request,
    request: ModelRequest,
    said: _Content,
    fault: Fault | None,
    pace: Pace,
    counted: _Counted,
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(http)
    breaks_off = fault is not None and fault.kind in {FaultKind.CUT, FaultKind.STALL}
    await _event(response, request, delta={"role": "assistant", "content": ""})
    for number, delta in enumerate(_deltas(said)):
        if fault is not None and breaks_off and number >= fault.tokens:
            await _break_off(http, request, fault)
        if counted.manners.comments:
            await response.write(b": PROCESSING\n\n")
        await _event(response, request, delta=delta)
        await asyncio.sleep(pace.token_s)
    last, apart = counted.last(request, said), counted.apart(request, said)
    await _event(response, request, delta={}, finish="stop", more=last)
    if apart is not None:
        await _event(response, request, more=apart)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _break_off(http: web.Request, request: ModelRequest, fault: Fault) -> None:
    """Fall silent or cut the connection; either way no answer comes to its end."""
    request.outcome = fault.kind.value
    if fault.kind is FaultKind.STALL:
        await asyncio.sleep(fault.seconds)
    if http.transport is not None:
        http.transport.abort()
    await asyncio.Event().wait()  # the lost connection cancels this handler


def _deltas(said: _Content) -> list[dict[str, str]]:
    """Cut what is said into tokens."""
    deltas: list[dict[str, str]] = []
    for field in ("reasoning_content", "refusal", "content"):
        text: str = getattr(said, field)
        deltas += [
            {field: text[start : start + CHARACTERS_PER_TOKEN]}
            for start in range(0, len(text), CHARACTERS_PER_TOKEN)
        ]
    return deltas


async def _event(
    response: web.StreamResponse,
    request: ModelRequest,
    *,
    delta: dict[str, str] | None = None,
    finish: str | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    event = _envelope(request, "chat.completion.chunk", choices) | (more or {})
    await response.write(f"data: {json.dumps(event)}\n\n".encode())


def _whole(request: ModelRequest, said: _Content, counted: _Counted) -> dict[str, Any]:
    message: dict[str, str | None] = {"role": "assistant", "content": said.content or None}
    if said.reasoning_content:
        message["reasoning_content"] = said.reasoning_content
    if said.refusal:
        message["refusal"] = said.refusal
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = counted.usage(request, said)
    return {**_envelope(request, "chat.completion", choices), "usage": usage}


def _thinking(said: _Content, how: Thinking) -> _Content:
    match how:
        case Thinking.TAGS:
            return replace(said, content=f"<think>{THOUGHT}</think>\n{said.content}")
        case Thinking.FIELD:
            return replace(said, reasoning_content=THOUGHT)
        case _:
            return said


@dataclass(frozen=True, slots=True)
class _Counted:
    """The counts of one answer, where this kind of server puts them."""

    manners: Manners
    body: dict[str, Any]

    def last(self, request: ModelRequest, said: _Content) -> dict[str, Any]:
        """Return what the last event of the answer holds."""
        match self.manners.usage:
            case UsageForm.ALWAYS:
                return {"usage": self.usage(request, said)}
            case UsageForm.GROQ:
                return {"x_groq": {"id": "req", "usage": self.usage(request, said)}}
            case _:
                return {}

    def apart(self, request: ModelRequest, said: _Content) -> dict[str, Any] | None:
        """Return what an event after it holds, if it was asked for."""
        asked = (self.body.get("stream_options") or {}).get("include_usage")
        own = self.manners.usage in {UsageForm.ALWAYS, UsageForm.GROQ}
        return {"usage": self.usage(request, said)} if asked and not own else None

    def usage(self, request: ModelRequest, said: _Content) -> dict[str, Any]:
        """Return the counts themselves."""
        prompt = self.manners.input_tokens(request)
        completion = len(said.content) // CHARACTERS_PER_TOKEN + 1
        thought = THOUGHT_TOKENS if self.manners.thinks(self.body) else 0
        counts: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        if not thought:
            return counts
        counts["total_tokens"] += thought
        if self.manners.usage is not UsageForm.GOOGLE:
            counts["completion_tokens"] += thought
            counts["completion_tokens_details"] = {"reasoning_tokens": thought}
        return counts


def _envelope(request: ModelRequest, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.number}",
        "object": kind,
        "created": int(time.time()),
        "model": request.model,
        "choices": choices,
    }
