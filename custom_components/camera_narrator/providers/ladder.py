"""How an answer's shape is agreed with a server: as strictly as it can, found once and remembered."""

from enum import StrEnum
import json

from ..pipeline.request import Schema


class Rung(StrEnum):
    """A way to agree on the answer's shape, the surest first."""

    STRICT = "json_schema_strict"
    SCHEMA = "json_schema"
    OBJECT = "json_object"
    TEXT = "text"

    @property
    def after_refusal(self) -> Rung | None:
        """Return what to try where the server does not take this one."""
        rungs = list(Rung)
        return None if self is Rung.TEXT else rungs[rungs.index(self) + 1]

    @property
    def after_prose(self) -> Rung | None:
        """Return what to try where the server took this one and ignored it.

        It would ignore the schema without ``strict`` just the same; asking in the prompt is the next that differs.
        """
        return Rung.OBJECT if self in {Rung.STRICT, Rung.SCHEMA} else self.after_refusal

    def lowest(self, other: Rung) -> Rung:
        """Return the less sure of the two."""
        return max(self, other, key=list(Rung).index)


def response_format(rung: Rung, schema: Schema) -> dict[str, object] | None:
    """Return the request's ``response_format``, None where the rung sends none."""
    match rung:
        case Rung.STRICT | Rung.SCHEMA:
            shape: dict[str, object] = {"name": schema.name, "schema": dict(schema.json_schema)}
            if rung is Rung.STRICT:
                shape["strict"] = True
            return {"type": "json_schema", "json_schema": shape}
        case Rung.OBJECT:
            return {"type": "json_object"}
        case Rung.TEXT:
            return None


def instruction(rung: Rung, schema: Schema) -> str:
    """Return what the system text must say in addition; the same bytes every time."""
    match rung:
        case Rung.STRICT | Rung.SCHEMA:
            return ""
        case Rung.OBJECT:
            shape = json.dumps(schema.json_schema, separators=(",", ":"))
            return f"Answer with one JSON object and nothing else. Its JSON schema: {shape}"
        case Rung.TEXT:
            return (
                "Unlike said above, answer in plain words and nothing else, in at most two sentences: "
                "no fields, no JSON, no Markdown."
            )
