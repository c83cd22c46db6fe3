"""A study whose labels models made, labeled once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from tests.studies import study_files

ITEMS = 90


@pytest.fixture(scope="session")
def of_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study; tests that change it copy it first."""
    files = study_files(tmp_path_factory.mktemp("labeled"), [f"comment {n}" for n in range(ITEMS)])
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    return files.study
