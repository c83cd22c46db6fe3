# Install into .venv, then label the example comments with the embedded models.
# The first run needs the network and Visual Studio Build Tools with C++. Not tested.
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")

py -3 scripts\environment.py
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
.venv\Scripts\localensemble.exe demo @args
exit $LASTEXITCODE
