"""What MQTT is told of a bridge: topics, and payloads without addresses."""

import json

import pytest

from edge_bridge.protocol.vocabulary import ErrorCode
from edge_bridge.telemetry_report import place, report, usable
from tests.bridge.test_telemetry import ID, camera, status


def test_place_is_the_name_as_a_slug() -> None:
    """Letters, digits and underscores; a part of the id where it must be told from another."""
    assert place("Dach-Böden 2", ID, numbered=False) == "dach_boden_2"
    assert place("家", ID, numbered=False) == "bridge"
    assert place("attic", ID, numbered=True) == "attic_012345"


@pytest.mark.parametrize(
    ("prefix", "good"),
    [("house", True), ("a/b", True), ("", False), ("a/#", False), ("+", False), ("$SYS", False)],
)
def test_prefixes_that_make_topics(prefix: str, good: bool) -> None:
    """What no topic may begin with is left alone."""
    assert usable(prefix) is good


def test_report_is_json_without_addresses_and_keeps_to_its_own_topics() -> None:
    """Keys that would break a topic, or stand for the bridge itself, are left out."""
    told = report(ID, status(camera(), camera("status"), camera("a/b"), camera("#")))
    assert set(told) == {"status", "front"}
    assert told["status"].payload["cameras"] == 1
    assert json.loads(json.dumps(told["front"].payload))["frames"] == {"sampled": 3}
    assert ErrorCode.WITHDRAWN not in json.dumps(told["front"].payload)
