#!/usr/bin/env python3
"""Test a model in this machine's Ollama: print its description and run the engine contract.

    scripts/check_ollama.py qwen2.5:3b [arguments for pytest]

Needs the environment that `scripts/setup --test` makes, and Ollama running with the model
pulled. Sends only sentences from the contract, and only to loopback. Ends with pytest's exit
code, or with 4 if Ollama does not answer.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MODEL_VARIABLE = "LOCALENSEMBLE_CHECK_OLLAMA"
# Ollama's digits depend on the state of its cache; logarithms may differ by this much.
TOLERANCE = 0.05

_PYTHON = REPOSITORY / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
if (
    _PYTHON.exists()
    and Path(sys.prefix) != _PYTHON.parents[1]
    and not os.environ.get("VIRTUAL_ENV")
):
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])
sys.path.insert(0, str(REPOSITORY))

from localensemble.core.errors import LocalEnsembleError  # noqa: E402
from localensemble.engines.ollama.model import find_server  # noqa: E402
from localensemble.engines.protocol import Engine  # noqa: E402
from localensemble.engines.registry import open_engine  # noqa: E402
from localensemble.engines.settings import EngineSettings  # noqa: E402
from localensemble.testing import EngineContract  # noqa: E402


def open_model() -> Engine:
    """Open the model named on the command line."""
    return open_engine(
        EngineSettings(
            "ollama",
            model_name=os.environ[MODEL_VARIABLE],
            context_tokens=EngineContract.context_tokens,
        )
    )


class TestOllama(EngineContract):
    """Run the contract on a real server."""

    tolerance = TOLERANCE
    order_tolerance = math.inf

    def open(self) -> Engine:
        """Open the model."""
        return open_model()


def main() -> int:
    """Describe the server and the model, then run the contract."""
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    os.environ[MODEL_VARIABLE] = sys.argv[1]
    try:
        server = find_server()
        if server is None:
            print("Ollama does not answer on this machine. Start it with `ollama serve`.")
            return 4
        print(f"Ollama {server.version} at {server.address}: {', '.join(server.models)}")
        engine = open_model()
        description = engine.describe()
        engine.close()
    except LocalEnsembleError as error:
        print(error)
        return error.exit_code
    print(f"{description.model_name}, weights {description.model_sha256}")
    for name, value in description.settings:
        print(f"  {name}: {value}")
    # In another process: pytest must start before the modules it inspects are imported.
    return subprocess.call([sys.executable, "-m", "pytest", "-q", __file__, *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
