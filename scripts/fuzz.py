"""Feed files of changing bytes to a reader, guided by the code that they reach. Optional.

    pip install atheris          # wheels exist for Linux on x86-64
    python scripts/fuzz.py table -max_total_time=60
    python scripts/fuzz.py gguf corpus/ -max_len=4096

A reader reads the file or refuses it with an error of the program. Anything else ends the run: the
bytes are then in `crash-...` in this folder. Arguments after the reader go to atheris (libFuzzer).
The same readers are tried without atheris, with fixed examples, in tests/hostile/.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path


def readers() -> dict[str, Callable[[Path], object]]:
    """Return the readers of files by name; importing them tells atheris about their code."""
    from localensemble.bundle.installer import check_bundle
    from localensemble.catalog.gguf_header import read_header
    from localensemble.codebook.load import load_codebook
    from localensemble.codebook.refi_qda import read_qdc
    from localensemble.core.input_files import read_json_file
    from localensemble.labeling.ensemble import load_ensemble
    from localensemble.prompting.template import load_own_template
    from localensemble.tables.table_files import open_table_file

    def table(path: Path) -> None:
        read = open_table_file(path)
        list(read.cells(read.columns))

    def bundle(path: Path) -> None:
        """Take the file for the list of hashes of a bundle whose maker meant it so."""
        from hashlib import sha256

        content = path.read_bytes()
        sums = path.with_name("SHA256SUMS")
        sums.write_bytes(content)
        check_bundle(path.parent, sha256=sha256(content).hexdigest())

    return {
        "table": table,
        "codebook": load_codebook,
        "codes": read_qdc,
        "ensemble": load_ensemble,
        "template": load_own_template,
        "json": read_json_file,
        "gguf": read_header,
        "bundle": bundle,
    }


def main() -> None:
    """Fuzz one reader until it fails or the time is over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "reader", help="table, codebook, codes, ensemble, template, json, gguf or bundle"
    )
    given, others = parser.parse_known_args()
    if find_spec("atheris") is None:
        sys.exit(
            "atheris is not installed. Install it with `pip install atheris`, or run the "
            "tests in tests/hostile/, which need no atheris."
        )
    import atheris

    with atheris.instrument_imports(include=["localensemble"]):
        from localensemble.bundle.installer import DamagedBundleError
        from localensemble.core.errors import LocalEnsembleError
        from localensemble.core.foreign_json import ForeignJsonError

        known = readers()
    if given.reader not in known:
        parser.error(f"unknown reader {given.reader!r}; choose {', '.join(known)}")
    read = known[given.reader]
    folder = Path(tempfile.mkdtemp(prefix="localensemble-fuzz-"))

    def one_input(data: bytes) -> None:
        path = folder / "file"
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read(path)
        except (LocalEnsembleError, DamagedBundleError, ForeignJsonError, OSError):
            return

    atheris.Setup([sys.argv[0], *others], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
