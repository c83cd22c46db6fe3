"""The ensemble file says which raters label and what is accepted, or why it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.consensus.methods.roles import Roles
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EnsembleError
from localensemble.labeling.ensemble import load_ensemble
from localensemble.strategies.asked_by_role import AskedByRole


def written(folder: Path, text: str) -> Path:
    path = folder / "ensemble.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rater_is_called_after_its_model_unless_it_has_a_name(tmp_path: Path) -> None:
    path = written(
        tmp_path, "raters:\n  - model: models/tiny.gguf\n  - model: other\n    name: second\n"
    )
    assert [rater.name for rater in load_ensemble(path).raters] == ["tiny", "second"]


def test_the_numbers_in_the_name_of_a_model_stay_in_that_of_its_rater(tmp_path: Path) -> None:
    names = ["llama-3.2-1b-instruct", "llama-3.1-8b-instruct", "qwen2.5-0.5b-instruct"]
    path = written(tmp_path, "raters:\n" + "".join(f"  - model: {name}\n" for name in names))
    assert [rater.name for rater in load_ensemble(path).raters] == names


def test_relative_model_paths_start_at_the_ensemble_file(tmp_path: Path) -> None:
    path = written(tmp_path, "raters:\n  - model: a.gguf\n")
    assert load_ensemble(path).folder == tmp_path.resolve()


def test_the_layout_is_left_to_the_plan_by_default(tmp_path: Path) -> None:
    path = written(tmp_path, "raters:\n  - model: a.gguf\n")
    assert load_ensemble(path).layout is None


def test_settings_of_methods_and_policies_are_kept(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "raters:\n  - model: a\n"
        "consensus:\n  method: majority\n  minimum_share: 0.6\n"
        "escalation:\n  - policy: missing_raters\n    allowed: 1\n",
    )
    rules = load_ensemble(path).rules
    assert rules.method.settings == (("minimum_share", "0.6"),)
    assert [(policy.name, policy.settings) for policy in rules.policies] == [
        ("missing_raters", (("allowed", "1"),))
    ]


def test_without_policies_a_rater_without_a_label_is_a_reason_to_ask(tmp_path: Path) -> None:
    rules = load_ensemble(written(tmp_path, "raters:\n  - model: a\n")).rules
    assert "missing_raters" in [policy.name for policy in rules.policies]


def test_an_empty_list_of_policies_means_none(tmp_path: Path) -> None:
    rules = load_ensemble(written(tmp_path, "raters:\n  - model: a\nescalation: []\n")).rules
    assert rules.policies == ()
    # As a recorded run is read again.
    assert decision_rules({"method": "majority"}, []).policies == ()


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("", "found no keys", "examples/ensemble.yaml"),
        ("raters: []\n", "raters", "examples/ensemble.yaml"),
        ("raters:\n  - modle: a\n", r"raters\[0\]", "`model`"),
        ("raters:\n  - model: a\nconsenus: {}\n", "unknown key", "`consensus`"),
        ("raters:\n  - model: a\n  - model: a\n", 'two raters are named "a"', "own `name`"),
        ("raters:\n  - model: a\n    name: 'a b'\n", r"raters\[0\]\.name", "examples"),
        (
            "raters:\n  - model: a\nconsensus:\n  method: majorty\n",
            "majorty",
            "majority",
        ),
        ("raters: [\n", "line 2: not valid YAML", "examples"),
        ("raters:\n  - model: a\n    context_tokens: ten\n", "context_tokens", "examples"),
    ],
)
def test_a_file_that_says_something_unknown_is_refused(
    tmp_path: Path, text: str, found: str, hint: str
) -> None:
    with pytest.raises(EnsembleError, match=found) as caught:
        load_ensemble(written(tmp_path, text))
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ("strategy: early_stop\n", "`strategy: {name: early_stop}`"),
        ("consensus: median\n", "`consensus: {method: majority}`"),
        ("escalation: [no_consensus]\n", "`- {policy: no_consensus}`"),
    ],
)
def test_a_name_without_its_key_is_refused_with_how_to_write_it(
    tmp_path: Path, section: str, hint: str
) -> None:
    with pytest.raises(EnsembleError) as caught:
        load_ensemble(written(tmp_path, "raters: [{model: a}]\n" + section))
    assert section.split(":")[0] in caught.value.message
    assert "instance of" not in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(EnsembleError, match=r"no\.yaml: No such file"):
        load_ensemble(tmp_path / "no.yaml")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ensemble.yaml"
    path.write_bytes(b"raters:\n  - model: \xff\n")
    with pytest.raises(EnsembleError, match="is not UTF-8"):
        load_ensemble(path)


def test_a_key_of_another_place_is_not_suggested_as_itself(tmp_path: Path) -> None:
    path = tmp_path / "ensemble.yaml"
    path.write_text("name: mine\nraters:\n  - model: a.gguf\n", encoding="utf-8")
    with pytest.raises(EnsembleError, match="name: this key is not allowed") as caught:
        load_ensemble(path)
    assert "Did you mean" not in caught.value.hint


@pytest.mark.parametrize(
    ("line", "readouts"),
    [
        ("", ()),
        (", readout: option", ("option",)),
        (", readout: auto", ("name", "option", "prefilled")),
    ],
)
def test_a_rater_states_a_readout_or_leaves_the_choice_open(
    line: str, readouts: tuple[str, ...], tmp_path: Path
) -> None:
    path = written(tmp_path, f"raters:\n  - {{model: a.gguf{line}}}\n")
    assert load_ensemble(path).raters[0].readouts == readouts


@pytest.mark.parametrize("readout", ["option", "prefilled", "auto"])
def test_a_readout_that_an_engine_cannot_use_is_refused(readout: str, tmp_path: Path) -> None:
    text = f"raters:\n  - {{model: gemma, engine: ollama, readout: {readout}}}\n"
    with pytest.raises(EnsembleError, match=f'"{readout}".* offers only name'):
        load_ensemble(written(tmp_path, text))


@pytest.mark.parametrize("readout", ["name", "auto"])
def test_an_engine_that_reads_no_prompt_has_no_readout(readout: str, tmp_path: Path) -> None:
    text = f"raters:\n  - {{model: a, engine: embedding, readout: {readout}}}\n"
    with pytest.raises(EnsembleError, match=f'"{readout}".* offers none'):
        load_ensemble(written(tmp_path, text))


def test_an_unknown_readout_is_refused(tmp_path: Path) -> None:
    text = "raters:\n  - {model: a, readout: letter}\n"
    with pytest.raises(EnsembleError, match="readout"):
        load_ensemble(written(tmp_path, text))


RATERS_WITH_ROLES = """\
raters:
  - {model: a.gguf}
  - {model: b.gguf}
  - {model: c.gguf, name: judge, role: adjudicator}
  - {model: d.gguf, role: verifier}
"""


@pytest.mark.parametrize(
    ("more", "accept"),
    [
        ("", "unanimous"),
        ("consensus: {method: roles, accept: majority}\n", "majority"),
        ("strategy: {name: roles}\n", "unanimous"),
    ],
)
def test_roles_of_raters_decide_who_is_asked_and_what_follows(
    more: str, accept: str, tmp_path: Path
) -> None:
    ensemble = load_ensemble(written(tmp_path, RATERS_WITH_ROLES + more))
    roles = {"judge": "adjudicator", "d": "verifier"}
    method = ensemble.rules.method
    assert isinstance(method, Roles)
    assert (method.roles, method.accept) == (roles, accept)
    assert ensemble.strategy == AskedByRole()


def test_raters_without_roles_are_asked_about_everything(tmp_path: Path) -> None:
    text = "raters:\n  - {model: a.gguf, role: labeler}\n"
    ensemble = load_ensemble(written(tmp_path, text))
    assert ensemble.strategy is None
    assert ensemble.rules == decision_rules({"method": "majority"}, None)


def test_roles_are_refused_beside_a_method_that_treats_all_raters_alike(tmp_path: Path) -> None:
    path = written(tmp_path, RATERS_WITH_ROLES + "consensus: {method: majority}\n")
    with pytest.raises(EnsembleError, match=r'"judge" has a `role`.*"majority"') as raised:
        load_ensemble(path)
    assert "method: roles" in raised.value.hint


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "raters:\n  - {model: a.gguf, role: judge}\n")
    with pytest.raises(EnsembleError, match=r"raters\[0\]\.role.*'labeler'"):
        load_ensemble(path)
