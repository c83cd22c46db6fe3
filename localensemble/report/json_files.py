"""Write findings and provenance as JSON: what is shown, at full precision, for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_file
from localensemble.findings.study_findings import StudyFindings
from localensemble.study.provenance import Provenance


def write_findings(findings: StudyFindings, *, path: Path) -> None:
    """Write the findings of a study, whole or not at all; readable by the owner only."""
    _write(dataclasses.asdict(findings), path)


def write_manifest(provenance: Provenance, *, path: Path, files: Sequence[Path]) -> None:
    """Write what was run, by hash, whole or not at all; readable by the owner only.

    Args:
        files: files of the study whose hashes are kept, to tell later whether they changed.
    """
    hashes = {file.name: sha256_file(file) for file in files}
    _write({**provenance.content, "files": hashes}, path)


def _write(content: object, path: Path) -> None:
    text = json.dumps(
        content, indent=2, ensure_ascii=False, allow_nan=False, default=np.ndarray.tolist
    )
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")
