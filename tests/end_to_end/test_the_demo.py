"""The demo tells a whole visit and balances its frames; however it ends, nothing of it is left."""

import asyncio
import json
import os
from pathlib import Path
import signal

import pytest

from tests.end_to_end.demo import SET_UP, Demo, demo

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.timeout(300)
async def test_a_minute_of_the_demo_tells_a_visit_and_adds_up(minute: Demo) -> None:
    """It ends by itself with 0, having told a visit from start to end, and knows where every frame went."""
    code = await minute.process.wait()
    assert code == 0, minute.process.tail(60)
    await minute.until_gone()
    everything = json.loads((minute.temporary.parent / "everything.json").read_text())
    balance = everything["balance"]
    assert balance["holds"]
    assert balance["sampled"] == sum(balance["fates"].values()) > 0
    assert balance["fates"]["lost"] == 0
    assert balance["requests"] > 0
    started = next(event for event in everything["events"] if event["phase"] == "started")
    phases = [e["phase"] for e in everything["events"] if e["id"] == started["id"]]
    assert phases[0] == "started"
    assert phases[-1] == "ended"
    assert any(narrative["event"] == started["id"] for narrative in everything["narratives"])
    assert len(everything["away"]) == 1
    assert {(s["kind"], s["state"]) for s in everything["states"]} >= {
        ("connected", "OFF"),
        ("connected", "ON"),
    }
    assert all(step["seconds"] >= 0 for step in everything["setup"])


@pytest.mark.timeout(300)
async def test_nothing_is_left_however_the_demo_ends(tmp_path: Path) -> None:
    """`kill -9`, Ctrl-C and the death of a part: no process and no file stays, and the last says what died."""
    async with (
        demo(tmp_path / "killed") as killed,
        demo(tmp_path / "interrupted") as interrupted,
        demo(tmp_path / "bereft") as bereft,
    ):
        runs = (killed, interrupted, bereft)
        await asyncio.gather(*(run.process.wait_for(SET_UP, timeout_s=180) for run in runs))
        for run in runs:
            assert len(run.alive()) >= 5  # itself, camera, broker, Home Assistant, bridge
            assert any(run.temporary.iterdir())
        os.kill(killed.process.pid, signal.SIGKILL)
        os.kill(interrupted.process.pid, signal.SIGINT)
        os.kill(bereft.child("homeassistant"), signal.SIGKILL)
        await asyncio.gather(*(run.until_gone() for run in runs))
        assert await bereft.process.wait() == 1
        assert "a part of the demo ended by itself" in bereft.process.tail(200)
