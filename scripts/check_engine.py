"""Test the installed llama.cpp: the memory layout that Python assumes, and what a model computes.

Run by `environment.py` with the Python of the environment, before a library that was built by
somebody else is used. A struct whose layout differs would not fail but compute with other values.
Prints what is wrong and ends with 1; prints nothing and ends with 0 otherwise.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from types import ModuleType

MODEL = Path(__file__).resolve().parents[1] / "models" / "le-llama-2m.gguf"
TOKENS = (1, 5, 9, 40, 300)
LOGITS = (-10.6409, -10.4990, -10.6242, -10.5482, -10.5771, -10.5920, -6.1537, -10.4881)
"""The first logits after these tokens, from the library compiled from llama-cpp-python 0.3.35."""
TOLERANCE = 1e-3


def main() -> int:
    """Check the default parameters, then the logits of an embedded model."""
    import llama_cpp as library

    context = library.llama_context_default_params()
    expected = {
        "n_ctx": 512,
        "n_batch": 2048,
        "n_ubatch": 512,
        "n_seq_max": 1,
        "pooling_type": -1,
        "yarn_ext_factor": -1.0,
        "yarn_beta_slow": -1.0,
        "type_k": 1,
        "type_v": 1,
        "offload_kqv": True,
        "swa_full": True,
        "kv_unified": False,
    }
    for name, value in expected.items():
        if (found := getattr(context, name)) != value:
            print(f"default context parameter {name}: found {found}, expected {value}")
            return 1
    found_logits = logits(library)
    for position, (found, value) in enumerate(zip(found_logits, LOGITS, strict=True)):
        if not abs(found - value) <= TOLERANCE:
            print(f"logit {position} of {MODEL.name}: found {found:.4f}, expected {value:.4f}")
            return 1
    return 0


def logits(library: ModuleType) -> list[float]:
    """Return the first eight logits of the embedded model after fixed tokens."""
    library.llama_backend_init()
    parameters = library.llama_model_default_params()
    parameters.use_mmap = False
    model = library.llama_model_load_from_file(str(MODEL).encode(), parameters)
    if not model:
        raise SystemExit(f"cannot load {MODEL.name}")
    context_parameters = library.llama_context_default_params()
    context_parameters.n_threads = 1
    context = library.llama_init_from_model(model, context_parameters)
    tokens = (ctypes.c_int32 * len(TOKENS))(*TOKENS)
    batch = library.llama_batch_get_one(tokens, len(TOKENS))
    if library.llama_decode(context, batch) != 0:
        raise SystemExit(f"cannot compute with {MODEL.name}")
    found = library.llama_get_logits_ith(context, -1)
    return [float(found[i]) for i in range(8)]


if __name__ == "__main__":
    sys.exit(main())
