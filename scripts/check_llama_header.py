"""Compare `llama.h` of the pinned source with the one that the pinned library was built from.

A struct that differs would not fail but compute with other values, so this runs before
`requirements/llama-cpp.txt` or `requirements/llama-cpp-library.txt` moves to another release:

    python scripts/check_llama_header.py llama_cpp_python-X.tar.gz llama_cpp_py_sync-Y.whl

Prints how many structs and functions are equal and ends with 0; names what differs and ends with 1.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import zipfile
from pathlib import Path

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", flags=re.DOTALL)
_DEPRECATED = re.compile(
    r"\bDEPRECATED\(\s*((?:LLAMA_API)?[^;]*?),\s*\"[^\"]*\"\s*\)\s*;", flags=re.DOTALL
)
_STRUCT = re.compile(
    r"(?:typedef\s+struct|struct)\s+(?P<name>llama_\w+)?\s*\{(?P<body>(?:[^{}]|\{[^{}]*\})*)\}"
    r"\s*(?P<alias>\w+)?\s*;"
)
_ENUM = re.compile(r"enum\s+(?P<name>llama_\w+)\s*\{(?P<body>[^}]*)\}")
_FUNCTION = re.compile(
    r"(?:^|[;}])\s*(?P<result>(?:const\s+)?(?:struct\s+|enum\s+)?\w+(?:\s+const)?[\s*]+)"
    r"(?P<name>llama_\w+)\s*\((?P<parameters>(?:[^()]|\([^()]*\))*)\)\s*(?=;)"
)
_LIBRARY_HEADER = re.compile(r'_LLAMA_H_CDEF = """(.*?)"""', flags=re.DOTALL)


def declarations(header: str) -> dict[str, str]:
    """Return every struct, enumeration and function of a header in one spelling, by name."""
    text = _COMMENT.sub(" ", header)
    text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    text = _DEPRECATED.sub(r"\1;", text).replace("LLAMA_API", "")
    text = re.sub(r'extern\s+"C"\s*\{', "", text)
    found = {}
    for match in _STRUCT.finditer(text):
        name = match["name"] or match["alias"] or ""
        if name.startswith("llama_"):
            found[f"struct {name}"] = _one_spelling(match["body"])
    for match in _ENUM.finditer(text):
        members = _one_spelling(match["body"]).rstrip(",")
        # The library's copy of the header leaves out values that are not plain numbers.
        found[f"enum {match['name']}"] = re.sub(r"=(?!-?\d+(,|$))[^,]+", "", members)
    outside = _ENUM.sub("", _STRUCT.sub(";", text))
    # Overlapping matches end and begin at the same semicolon.
    for statement in outside.split(";"):
        if match := _FUNCTION.search(f";{statement};"):
            parameters = _one_spelling(match["parameters"]) or "void"
            found[f"function {match['name']}"] = (
                f"{_one_spelling(match['result'])} ({'' if parameters == 'void' else parameters})"
            )
    return found


def _one_spelling(text: str) -> str:
    text = re.sub(r"\s+", " ", re.sub(r"\b(struct|enum) ", "", text)).strip()
    return re.sub(r" ?([*,;()\[\]=<|]) ?", r"\1", text)


def main() -> int:
    """Compare the headers in two files."""
    parser = argparse.ArgumentParser(description="Compare llama.h of a source and of a library.")
    parser.add_argument("source", type=Path, help="the source of llama-cpp-python, a .tar.gz")
    parser.add_argument("library", type=Path, help="the wheel of llama-cpp-py-sync")
    options = parser.parse_args()
    with tarfile.open(options.source) as archive:
        (name,) = (
            name for name in archive.getnames() if name.endswith("llama.cpp/include/llama.h")
        )
        member = archive.extractfile(name)
        if member is None:
            raise SystemExit(f"{options.source}: {name} is not a file.")
        source = declarations(member.read().decode())
    with zipfile.ZipFile(options.library) as wheel:
        code = wheel.read("llama_cpp_py_sync/_cffi_bindings.py").decode()
    header = _LIBRARY_HEADER.search(code)
    if header is None:
        raise SystemExit(f"{options.library}: the header is not where it was.")
    library = declarations(header[1])
    different = [name for name in source.keys() | library if source.get(name) != library.get(name)]
    for name in sorted(different):
        print(f"{name}\n  source:  {source.get(name)}\n  library: {library.get(name)}")
    kinds = [name.partition(" ")[0] for name in source]
    counts = ", ".join(f"{kinds.count(kind)} of kind {kind}" for kind in sorted(set(kinds)))
    print(f"Declared in the source: {counts}; different: {len(different)}.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
