#!/bin/sh
# Check this bundle and install it. Needs Python @PYTHON@ and no network.
#   sh install.sh --fingerprint DIGITS [--to FOLDER] [--agree LICENSE] [--check]
# Set PYTHON to choose which Python it is.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

for python in "${PYTHON:-python@PYTHON@}" "${PYTHON:-python3}" "${PYTHON:-python}"; do
    "$python" -I -c 'import sys; sys.exit("{}.{}".format(*sys.version_info) != "@PYTHON@")' \
        >/dev/null 2>&1 || continue
    # install.py is the only file that runs before everything was checked, so it is checked here.
    "$python" -I -c 'import hashlib, sys
found = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
sys.exit(found != "@INSTALLER_SHA256@")' "$here/install.py" || {
        echo "install.py: changed or missing. This is not the bundle that was signed." >&2
        exit 1
    }
    exec "$python" -I "$here/install.py" "$@"
done
echo "Cannot install: the bundle is for Python @PYTHON@, and found was: $("${PYTHON:-python3}" --version 2>&1 || true)." >&2
echo "Name a fitting one: PYTHON=/path/to/python@PYTHON@ sh install.sh" >&2
exit 4
