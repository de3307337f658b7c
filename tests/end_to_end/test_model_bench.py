"""`script/bench model`: labelled clips go through the product's provider, and each class gets its score."""

import asyncio
from collections.abc import AsyncGenerator
import json
from pathlib import Path
import sys

import pytest

from custom_components.camera_narrator.pipeline.vocabulary import Label
from rigs.bench import model
from rigs.bench.labelled import ClipError, LabelledClip, labels, of_folder
from rigs.model_faults import Fault, FaultKind
from rigs.model_server import ModelServer
from rigs.picture_code import Cast, Code
from rigs.rehearsal.easel import paint

ROOT = Path(__file__).parents[2]
CASTS = {
    "person": Cast(persons=1),
    "vehicle": Cast(vehicles=1),
    "animal": Cast(animals=2),
    "person+package": Cast(persons=1, package=True),
    "nothing": Cast(),
}


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer]:
    """Yield a server that reads the truth from the pictures and wants a key."""
    running = ModelServer(api_key="a-key")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one clip of each class, and something that is none."""
    for number, (name, cast) in enumerate(CASTS.items(), 1):
        clip = tmp_path / name / "clip"
        clip.mkdir(parents=True)
        (clip.parent / "notes.txt").write_text("no clip")
        for sequence in range(1, 4):
            code = Code(
                camera=number,
                epoch=1,
                sequence=sequence,
                captured_ms=1000 * sequence,
                visit=1,
                active=cast != Cast(),
                cast=cast,
            )
            (clip / f"{sequence}.jpg").write_bytes(paint(code))
    return tmp_path


async def test_the_command_scores_a_truthful_model(
    server: ModelServer, folder: Path, tmp_path: Path
) -> None:
    """Everything is right; the key comes from the environment; the JSON is flat and carries tokens and times."""
    told = tmp_path / "figures.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rigs.bench.model", "--base-url", server.base_url),
        *("--model", "scripted", "--clips", folder, "--json", told),
        cwd=ROOT,
        env={model.KEY: "a-key"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert sum(line.startswith("right  ") for line in said.decode().splitlines()) == len(CASTS)
    figures = json.loads(told.read_text())
    assert figures["model.right"] == figures["model.answered"] == 1
    for name in ("person", "vehicle", "animal", "package", "nothing"):
        assert figures[f"model.recall.{name}"] == figures[f"model.precision.{name}"] == 1
    assert figures["model.input_tokens"] > 1000
    assert 0 < figures["model.first_field_ms.p50"] <= figures["model.answer_ms.p50"]
    assert len(server.answered) == len(CASTS)


async def test_what_a_model_gets_wrong_costs_its_classes(server: ModelServer, folder: Path) -> None:
    """An invented animal is a false one and a vehicle missed; a refused request is answered by nobody."""
    clips = [clip for clip in of_folder(folder) if clip.name.split("/")[0] in {"animal", "vehicle"}]
    server.script.add(Fault(kind=FaultKind.STATUS, status=503), Fault(kind=FaultKind.HALLUCINATE))
    provider = model.provider_of(server.base_url, "scripted", key="a-key")
    lines: list[str] = []
    answers = await model.ask(provider, [*clips, clips[0]], say=lines.append)
    figures = {figure.name: figure.value for figure in model.figures_of(answers)}
    assert figures["model.answered"] == pytest.approx(2 / 3)
    assert figures["model.recall.animal"] == figures["model.precision.animal"] == 0.5
    assert figures["model.recall.vehicle"] == 0
    assert "model.precision.vehicle" not in figures
    assert figures["model.right"] == pytest.approx(1 / 3)
    assert [line.split()[0] for line in lines] == ["WRONG", "WRONG", "right"]


def test_names_of_folders_are_the_truth() -> None:
    """Several classes are joined by a plus; what is none is told with those there are."""
    assert labels("Person + package") == {Label.PERSON, Label.PACKAGE}
    assert labels("nothing") == frozenset()
    with pytest.raises(ClipError, match="person, vehicle, animal, package, nothing"):
        labels("horse")


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    """Nobody guesses what a folder of clips looks like."""
    with pytest.raises(ClipError, match="folders of JPEGs"):
        of_folder(tmp_path)


def test_somebody_without_a_name_is_not_nobody() -> None:
    """An answer that sees a subject and names none is right about neither."""
    clip = LabelledClip(name="clip", labels=frozenset(), jpegs=())
    unnamed = model.Answered(
        clip=clip,
        analysis=model.Analysis(changed=True, narrative="Somebody.", subject=True),
        usage=model.Usage(),
    )
    nobody = model.Answered(
        clip=clip,
        analysis=model.Analysis(changed=False, narrative="", subject=False),
        usage=model.Usage(),
    )
    assert unnamed.told == frozenset()
    assert nobody.told == nobody.truth == {"nothing"}
