"""Where the code of an engine comes from, as installed and not as it describes itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class EngineOrigin:
    """The package that brought an engine.

    Attributes:
        engine: the name in the ensemble file.
        package: name of the installed package; empty if the engine belongs to none.
        version: its version.
        module: the module that opens the engine.
        sha256: hash of the module's file; for a module in a folder, hash of the lines
            ``<sha256>  <path>`` of all Python files of the folder, sorted by path. Empty if the
            file cannot be read.
    """

    engine: str
    package: str
    version: str
    module: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        """Return the origin as the ledger and the manifest keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> EngineOrigin:
        """Read an origin as the ledger keeps it."""
        return cls(**value)
