"""Whatever goes wrong with a request, as a ProviderError in words for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import ssl
import time

import httpx
import openai

from ..pipeline.errors import Fault, ProviderError
from . import complaints
from .redaction import redacted
from .retry_after import retry_after_s
from .stream import WebPageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom the words are about."""

    host: str
    model: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Never to be shown, whoever says them."""

    def fault(self, error: Exception, *, began: bool) -> ProviderError:
        """Return what an error means; ``began`` says whether the answer had."""
        match error:
            case ProviderError():
                return error
            case WebPageError():
                return self.bad_answer("answered with a web page: check the address")
            case openai.APIConnectionError():
                return self._unreachable(error)
            case openai.APIError():
                return self._refusal(error)
            case httpx.TimeoutException() | TimeoutError():
                when = "stopped in the middle of its answer" if began else "did not answer in time"
                return ProviderError(Fault.TIMEOUT, f"{self.host} {when}", retryable=True)
            case httpx.HTTPError() | httpx.StreamError() | OSError() if not began:
                return self._unreachable(error)
            case httpx.HTTPError() | httpx.StreamError() | OSError():
                return self.bad_answer("broke the connection in the middle of its answer")
            case _:
                return self.bad_answer("answered with something that cannot be read")

    def bad_answer(self, what: str) -> ProviderError:
        """Return the fault of an answer that cannot be used; another try may bring a better one."""
        return ProviderError(Fault.BAD_ANSWER, f"{self.model or self.host} {what}", retryable=True)

    def declined(self) -> ProviderError:
        """Return the fault of a model that will not describe these pictures."""
        return ProviderError(
            Fault.REFUSED, f"{self.model} declined to describe the pictures", retryable=False
        )

    def _unreachable(self, error: Exception) -> ProviderError:
        chain = _chain(error)
        if any(isinstance(cause, ssl.SSLError) or "SSL" in str(cause) for cause in chain):
            what = f"The certificate of {self.host} is not trusted, or it does not speak TLS"
        elif any(isinstance(cause, httpx.TimeoutException) for cause in chain):
            what = f"{self.host} cannot be reached: no answer to the connection"
        elif isinstance(error, openai.APIConnectionError) and any(
            isinstance(cause, httpx.RemoteProtocolError | httpx.ReadError) for cause in chain
        ):
            what = f"{self.host} closed the connection without an answer"
        else:
            what = f"{self.host} cannot be reached: nothing answers there"
        return ProviderError(Fault.UNREACHABLE, what, retryable=True)

    def _refusal(self, error: openai.APIError) -> ProviderError:
        status, told = complaints.status(error), complaints.told(error)
        wait_s = retry_after_s(_headers(error), str(error.body), now_wall_s=time.time())
        fault, what, retryable = self._meaning(status, told, dated=wait_s is not None)
        if fault in {Fault.UNAUTHORIZED, Fault.MODEL_UNKNOWN}:
            said = ""  # these echo keys and repeat what the sentence says
        else:
            said = redacted(complaints.words(error), self.secrets)
        return ProviderError(
            fault,
            f"{what}: {said}" if said else what,
            retryable=retryable,
            retry_after_s=wait_s if retryable else None,
        )

    def _meaning(self, status: int | None, told: str, *, dated: bool) -> tuple[Fault, str, bool]:
        """Return fault, sentence, and whether the same pictures may be tried again."""
        match status:
            case 401:
                return Fault.UNAUTHORIZED, f"{self.host} refused the key", False
            case 402:
                return Fault.RATE_LIMITED, f"{self.host} wants to be paid first", False
            case 403 if not complaints.about_policy(told):
                return Fault.UNAUTHORIZED, f"{self.host} does not allow this key to do that", False
            case 408:
                return Fault.TIMEOUT, f"{self.host} gave up waiting", True
            case 413:
                return Fault.PICTURES_REJECTED, f"The pictures are too large for {self.host}", False
            # Google speaks of the quota of a minute as others do of an empty account, but says when it is back.
            case 429 if complaints.about_quota(told) and not dated:
                return Fault.RATE_LIMITED, f"The account at {self.host} is used up", False
            case 429:
                return Fault.RATE_LIMITED, f"{self.host} wants fewer requests", True
        if complaints.about_pictures(told):
            return Fault.PICTURES_REJECTED, f"{self.model} does not take pictures", False
        if status is not None and 400 <= status < 500:
            return self._wrong_request(status, told)
        if status is not None and status < 400:
            return Fault.UNREACHABLE, f"{self.host} sends requests on to another address", False
        if status in {502, 503, 504, 529}:
            return Fault.OVERLOADED, f"{self.host} is overloaded or starting ({status})", True
        if status is not None:
            return Fault.OVERLOADED, f"{self.host} failed by itself ({status})", True
        return Fault.BAD_ANSWER, f"{self.host} broke off with an error", True

    def _wrong_request(self, status: int, told: str) -> tuple[Fault, str, bool]:
        if complaints.about_key(told):
            return Fault.UNAUTHORIZED, f"{self.host} refused the key", False
        if complaints.about_policy(told):
            return Fault.REFUSED, f"A content filter of {self.host} declined the pictures", False
        if complaints.about_context(told):
            return Fault.REFUSED, f"The request does not fit into {self.model}'s context", False
        if status == 404 and not complaints.about_model(told):
            return Fault.UNREACHABLE, f"{self.host} has no such path: check the address", False
        if complaints.unknown_model(status, told):
            return Fault.MODEL_UNKNOWN, f"{self.host} does not know the model {self.model}", False
        return Fault.REFUSED, f"{self.host} refused the request ({status})", False


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and len(chain) < 5:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _headers(error: openai.APIError) -> Mapping[str, str]:
    return error.response.headers if isinstance(error, openai.APIStatusError) else {}
