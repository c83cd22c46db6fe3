"""Install a file as the encoder of the models folder that a test has for itself."""

from __future__ import annotations

from pathlib import Path

from localensemble.catalog.installed import InstalledModel, ModelsFolder, now
from localensemble.core.encoder_name import ENCODER
from localensemble.core.identity import sha256_file


def install_encoder(path: Path) -> None:
    """Record a file as the encoder, as if it had been pulled."""
    ModelsFolder().record(
        InstalledModel(
            name=ENCODER,
            path=str(path),
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            architecture="bert",
            chat_template_sha256="",
            license="apache-2.0",
            origin="pulled",
            verified_at=now(),
            consent=None,
        )
    )
