# Install into .venv, fetch the model that reads a codebook of your own, then label the example
# comments with the embedded models.
# The first run needs the network. Not tested.
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")

py -3 scripts\environment.py
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
$program = ".venv\Scripts\localensemble.exe"
# The demo does not need it, so a machine without a network goes on.
& $program models pull all-minilm-l6-v2
if ($LASTEXITCODE -ne 0) {
    Write-Host "Going on without all-minilm-l6-v2, which labels codebooks of your own; once there is a network, run: $program models pull all-minilm-l6-v2"
}
& $program demo @args
exit $LASTEXITCODE
