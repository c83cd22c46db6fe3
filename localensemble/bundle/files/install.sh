#!/bin/sh
# Check this bundle and install it. Needs Python @PYTHON@ and no network.
#   sh install.sh --sha256 DIGITS [--to FOLDER] [--agree LICENSE] [--check]
# DIGITS is the SHA-256 of the file SHA256SUMS, as shown when the bundle was made.
# Set PYTHON to choose another Python.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

refuse() {
    echo "This is not the bundle that was made. Nothing was installed." >&2
    printf '%s\n' "$@" >&2
    exit 1
}

digits='' to=${HOME:-.}/localensemble-offline before=''
for word in "$@"; do
    [ "$before" != --sha256 ] || digits=$word
    [ "$before" != --to ] || to=$word
    case $word in --sha256=*) digits=${word#--sha256=} ;; --to=*) to=${word#--to=} ;; esac
    before=$word
done
digits=$(printf %s "$digits" | tr -d ' :-' | tr A-F a-f)
if [ -z "$digits" ]; then
    echo "Cannot check the bundle: --sha256 is missing. Nothing was installed." >&2
    echo "Pass the digits shown when it was made: sh install.sh --sha256 DIGITS" >&2
    exit 2
fi

if command -v sha256sum >/dev/null 2>&1; then
    sums() { LC_ALL=C sha256sum "$@"; }
elif command -v shasum >/dev/null 2>&1; then
    sums() { LC_ALL=C shasum -a 256 "$@"; }
else
    echo "Cannot check the bundle: found neither sha256sum nor shasum. Install one of them." >&2
    exit 4
fi

# Never read anything but a plain file: reading it may never end.
odd=$(cd "$here" && find . ! -type f ! -type d | tr '\n' ' ' | LC_ALL=C tr -c '[:print:]' '?')
[ -z "$odd" ] || refuse "not plain files: $odd"
[ -f "$here/SHA256SUMS" ] || refuse "SHA256SUMS: missing"
found=$(sums <"$here/SHA256SUMS")
found=${found%% *}
[ "$found" = "$digits" ] || refuse "SHA256SUMS: changed; SHA-256 $found, expected $digits"
report=$(cd "$here" && sums -c SHA256SUMS 2>&1) ||
    refuse "$(printf '%s\n' "$report" | grep -v ': OK$')"

if [ -f "$here/python/python.tar.gz" ] && [ -z "${PYTHON:-}" ]; then
    # Unpacked where it stays: some machines refuse programs in the temp folder.
    PYTHON=$to/python/bin/python@PYTHON@
    [ -x "$PYTHON" ] || { mkdir -p "$to" && tar -xzf "$here/python/python.tar.gz" -C "$to"; } || exit 1
fi
for python in "${PYTHON:-python@PYTHON@}" "${PYTHON:-python3}" "${PYTHON:-python}"; do
    "$python" -I -c 'import sys; sys.exit("{}.{}".format(*sys.version_info) != "@PYTHON@")' \
        >/dev/null 2>&1 || continue
    exec "$python" -I "$here/install.py" --files-were-read "$@"
done
echo "Cannot install: the bundle is for Python @PYTHON@, but found: $("${PYTHON:-python3}" --version 2>&1 || true)." >&2
echo "Name a matching one: PYTHON=/path/to/python@PYTHON@ sh install.sh --sha256 DIGITS" >&2
exit 4
