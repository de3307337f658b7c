"""What somebody outside hears on MQTT."""

from collections.abc import Callable
from dataclasses import dataclass
import json

from rigs.home_assistant_socket import Json
from rigs.mqtt_listener import Message

PREFIX = "camera_narrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One MQTT message, as somebody outside received it."""

    camera: str
    kind: str
    text: str
    retained: bool
    at_s: float

    @property
    def data(self) -> Json:
        """The payload as JSON."""
        data: Json = json.loads(self.text)
        return data

    @classmethod
    def of(cls, message: Message) -> Told:
        """Read a message."""
        camera, _, kind = message.topic.removeprefix(f"{PREFIX}/").rpartition("/")
        return cls(
            camera=camera,
            kind=kind,
            text=message.text,
            retained=message.retained,
            at_s=message.received_s,
        )


def of_event(camera: str, *phases: str) -> Callable[[Told], bool]:
    """Accept the messages of a camera's events, of these phases or of all."""

    def accept(told: Told) -> bool:
        return (told.camera, told.kind) == (camera, "event") and (
            not phases or told.data["phase"] in phases
        )

    return accept
