"""Write findings as JSON: the same numbers that are shown, at full precision."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from localensemble.core.files import replaced_text_file
from localensemble.findings.study import StudyFindings


def write_findings(findings: StudyFindings, *, path: Path) -> None:
    """Write the findings of a study, whole or not at all; readable by the owner only."""
    text = json.dumps(dataclasses.asdict(findings), indent=2, ensure_ascii=False, allow_nan=False)
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")
