"""Write findings and provenance as JSON: what is shown, at full precision, for programs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from localensemble.core.files import replaced_text_file
from localensemble.findings.provenance import Provenance
from localensemble.findings.study import StudyFindings


def write_findings(findings: StudyFindings, *, path: Path) -> None:
    """Write the findings of a study, whole or not at all; readable by the owner only."""
    _write(dataclasses.asdict(findings), path)


def write_manifest(provenance: Provenance, *, path: Path) -> None:
    """Write what was run, by hash, whole or not at all; readable by the owner only."""
    _write(provenance.content, path)


def _write(content: object, path: Path) -> None:
    text = json.dumps(
        content, indent=2, ensure_ascii=False, allow_nan=False, default=np.ndarray.tolist
    )
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")
