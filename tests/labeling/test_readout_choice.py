"""A readout is chosen once, by off-codebook mass, and makes a rater of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.api.ask import AskOptions, ask
from localensemble.api.label import LabelOptions, label
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import EngineCrashedError
from localensemble.core.items import Item
from localensemble.core.labels import ItemId
from localensemble.core.prompts import Prompt, Readout
from localensemble.core.raters import RaterIdentity
from localensemble.core.resources import prompt_template_path
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.readout_choice import choose_readout, measure_readout
from localensemble.labeling.scoring import Questions
from localensemble.prompting.template import load_template
from localensemble.study.binding import identities
from localensemble.study.study import Study
from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels whole studies

READOUTS: tuple[Readout, ...] = ("name", "option", "prefilled")
ITEMS = tuple(Item(ItemId(f"i-{n}"), f"text {n}", n) for n in range(6))


def readout_of(prompt: Prompt) -> Readout:
    if prompt.messages[-1].role == "assistant":
        return "prefilled"
    return "option" if "Reply with the option" in prompt.messages[0].text else "name"


class AnsweringEngine(ScriptedEngine):
    """Leaves a certain mass outside the codebook with each readout."""

    def __init__(self, outside: dict[Readout, float]) -> None:
        def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
            inside = 1.0 - outside[readout_of(prompt)]
            return [inside * 0.75, *[inside * 0.25 / (len(answers) - 1)] * (len(answers) - 1)]

        super().__init__(script)


def chosen(tmp_path: Path, name: float, option: float, prefilled: float) -> Readout:
    files = study_files(tmp_path, ["text"])
    outside: dict[Readout, float] = {"name": name, "option": option, "prefilled": prefilled}
    choice = choose_readout(
        AnsweringEngine(outside),
        ITEMS,
        rater="one",
        codebook=load_codebook(files.codebook),
        template=load_template(),
        layout=None,
        readouts=READOUTS,
    )
    assert {one.readout: one.off_codebook_mass for one in choice.measures} == pytest.approx(outside)
    assert {one.scored for one in choice.measures} == {2 * len(ITEMS)}
    return choice.readout


@pytest.mark.parametrize(
    ("masses", "readout"),
    [
        ((0.99, 0.54, 0.27), "prefilled"),
        ((0.99, 0.20, 0.27), "option"),
        ((0.30, 0.27, 0.26), "name"),
        ((0.32, 0.27, 0.26), "prefilled"),
    ],
)
def test_the_least_mass_outside_wins_and_the_name_if_it_is_close(
    masses: tuple[float, float, float], readout: Readout, tmp_path: Path
) -> None:
    assert chosen(tmp_path, *masses) == readout


class CrashingOnce(ScriptedEngine):
    """Dies on one text and cannot score another."""

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        text = prompts[0].messages[1].text
        if "text 1\n" in text:
            raise EngineCrashedError("The worker died.")
        if "text 2\n" in text:
            return (ScoreFailure("too_long: 9 of 8 tokens"),) * len(prompts)
        return tuple(Scores((-1.0,) * len(one), 0.25, 5, (), 0.15) for one in answers)


def test_what_cannot_be_scored_is_left_out_and_other_spellings_are_a_share(tmp_path: Path) -> None:
    codebook = load_codebook(study_files(tmp_path, ["text"]).codebook)
    questions = Questions(
        codebook.variables, load_template().reading("prefilled"), "codebook_first"
    )
    blank = Item(ItemId("blank"), " ", 6)
    measure = measure_readout(CrashingOnce(), (*ITEMS, blank), questions=questions)
    assert (measure.readout, measure.scored) == ("prefilled", 2 * 4)
    assert measure.off_codebook_mass == pytest.approx(0.25)
    assert measure.other_spellings == pytest.approx(0.2)
    nothing = measure_readout(CrashingOnce(), ITEMS[1:3], questions=questions)
    assert (nothing.off_codebook_mass, nothing.other_spellings, nothing.scored) == (1.0, 0.0, 0)


def ensemble(*readouts: str) -> str:
    lines = [
        f"  - {{model: {place}, engine: scripted{readout and f', readout: {readout}'}}}"
        for place, readout in zip(("first", "second"), readouts, strict=False)
    ]
    return "raters:\n" + "\n".join(lines) + "\n"


def labeled(files: StudyFiles) -> tuple[dict[str, RaterIdentity], tuple[str, ...]]:
    said: list[str] = []
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
        on_message=said.append,
    )
    with Study.open(files.study) as study:
        return dict(identities(study.recorded)), tuple(said)


def test_a_rater_without_a_readout_stays_the_rater_it_was(tmp_path: Path) -> None:
    """Its identity has the hash of the program before there were readouts."""
    files = study_files(tmp_path, [f"text {n}" for n in range(5)])
    raters, _ = labeled(files)
    assert (
        raters["first"].sha256 == "970a75a21a59e239a00ac50c3c81c5259fc87b1e339adc29906223901463b4e9"
    )


def test_a_stated_readout_is_part_of_the_identity(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["a", "b"], ensemble=ensemble("option", "name"))
    raters, said = labeled(files)
    template = load_template()
    stated: dict[str, Readout] = {"first": "option", "second": "name"}
    for name, readout in stated.items():
        found = dict(raters[name].settings)
        assert found["readout"] == readout
        assert found["readout_sha256"] == template.reading(readout).readout_sha256
        # This engine does not add spellings up.
        assert "spellings" not in found
    assert not any("readout" in sentence for sentence in said)


def test_a_choice_is_said_recorded_and_kept_when_items_are_added(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(40)]
    files = study_files(tmp_path, texts, ensemble=ensemble("auto"))
    before, said = labeled(files)
    assert any(sentence.startswith("first: readout ") for sentence in said)
    study_files(tmp_path, [*texts, *(f"more {n}" for n in range(200))], ensemble=ensemble("auto"))
    after, _ = labeled(files)
    assert before["first"] == after["first"]
    with Study.open(files.study) as study:
        (choice,) = study.run.settings.readouts
    assert choice.items == 32
    assert dict(after["first"].settings)["readout"] == choice.readout


def test_nothing_is_chosen_by_texts_that_no_model_is_asked_about(tmp_path: Path) -> None:
    silent = ["NA", "-", "n/a", "..."] * 10
    files = study_files(tmp_path, silent, ensemble=ensemble("auto"))
    _, said = labeled(files)
    assert not any("readout" in sentence for sentence in said)
    with Study.open(files.study) as study:
        assert study.run.settings.readouts == ()
    study_files(tmp_path, [*silent, "one text", "another"], ensemble=ensemble("auto"))
    labeled(files)
    with Study.open(files.study) as study:
        (choice,) = study.run.settings.readouts
    assert choice.items == 2


def test_a_choice_is_made_again_if_the_texts_of_another_readout_changed(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    shipped = prompt_template_path("label", 1).read_text(encoding="utf-8")
    hashes = []
    for text in (shipped, shipped.replace("Reply with the option", "Answer with the option")):
        own.write_text(text, encoding="utf-8")
        files = study_files(
            tmp_path, ["a", "b"], ensemble=ensemble("auto") + "prompt: {file: own.yaml}\n"
        )
        labeled(files)
        with Study.open(files.study) as study:
            (choice,) = study.run.settings.readouts
        hashes.append(choice.template_sha256)
    assert hashes[0] != hashes[1]


def test_asking_about_one_text_chooses_a_readout_on_it_or_on_its_table(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(40)], ensemble=ensemble("auto"))
    alone = ask("text 1", codebook=files.codebook, options=AskOptions(ensemble=files.ensemble))
    of_table = ask(
        codebook=files.codebook,
        options=AskOptions(ensemble=files.ensemble, items=files.items, item_id="i-1"),
    )
    for asked in (alone, of_table):
        assert all(rater.label.probabilities for one in asked.variables for rater in one.raters)
