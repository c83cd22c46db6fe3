"""No two variables get the same file, on any file system."""

from __future__ import annotations

from pathlib import Path

from localensemble.core.windows_names import name_problem_on_windows
from localensemble.study.folder import StudyFolder

FOLDER = StudyFolder(Path("study"))


def names(*variables: str) -> list[str]:
    return [FOLDER.rater_calibration(one, among=variables).name for one in variables]


def test_a_variable_gives_its_name_to_its_file() -> None:
    assert names("topic", "Tone") == ["rater-calibration-topic.json", "rater-calibration-Tone.json"]
    assert FOLDER.certificate("topic").name == "certificate-topic.json"


def test_names_that_differ_in_case_or_composition_only_get_two_files() -> None:
    for variables in (
        ("Theme", "theme", "THEME"),
        ("Größe", "größe", "GRÖSSE"),
        ("caf\u00e9", "cafe\u0301"),
    ):
        found = names(*variables)
        assert found[0] == f"rater-calibration-{variables[0]}.json"
        assert len({name.casefold() for name in found}) == len(variables)


def test_the_other_file_of_such_a_name_does_not_depend_on_the_order_of_later_ones() -> None:
    assert names("Theme", "theme", "x")[1] == names("Theme", "THEME", "theme")[2]


def test_a_long_name_fits_a_file_system_and_stays_its_own() -> None:
    long = [f"symptoms.{'schmerz_' * 30}{end}" for end in ("a", "b")]
    found = names(*long)
    assert len(set(found)) == 2
    assert max(len(name.encode()) for name in found) <= 255
    assert max(len(name.encode()) for name in names("字" * 120)) <= 255


def test_a_name_with_characters_of_paths_stays_in_the_folder() -> None:
    for variable in ("a/b", r"a\b", "C:", "nul", "what?", "..", "a."):
        path = FOLDER.certificate(variable)
        assert path.parent == FOLDER.path
        assert name_problem_on_windows(path) == ""
