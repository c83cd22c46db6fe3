"""Write findings and provenance as JSON for programs, with numbers at full precision."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_file
from localensemble.findings.study_findings import StudyFindings
from localensemble.study.folder_files.own_tables import with_own_hash
from localensemble.study.provenance import Provenance


def write_findings(findings: StudyFindings, *, path: Path) -> None:
    """Write the findings of a study, completely or not at all; only the owner can read them."""
    _write(dataclasses.asdict(findings), path)


def write_manifest(provenance: Provenance, *, path: Path, files: Sequence[Path]) -> None:
    """Write the hashes of what was run, completely or not at all; only the owner can read them.

    Args:
        provenance: what was run.
        path: the file to write.
        files: files of the study to hash, so that later changes can be detected.
    """
    hashes = {file.name: sha256_file(file) for file in files}
    _write(with_own_hash({**provenance.content, "files": hashes}), path)


def _write(content: object, path: Path) -> None:
    text = json.dumps(
        content, indent=2, ensure_ascii=False, allow_nan=False, default=np.ndarray.tolist
    )
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")
