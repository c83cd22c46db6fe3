# Check this bundle and install it. Needs no network and no administrator. Not tested on Windows.
#   .\install.ps1 -Sha256 DIGITS [-To FOLDER] [-Check]
# DIGITS is the SHA-256 of the file SHA256SUMS, as shown when the bundle was made.
# Where scripts are not allowed, start the same without this file:
#   py -@PYTHON@ -I install.py --sha256 DIGITS
param(
    [Parameter(Mandatory = $true)][string]$Sha256,
    [string]$To = (Join-Path $env:LOCALAPPDATA "Programs\localensemble"),
    [switch]$Check
)
$ErrorActionPreference = "Stop"
$here = Split-Path -Parent $MyInvocation.MyCommand.Path

function Stop-Install([string[]]$lines) {
    Write-Host "This is not the bundle that was made. Nothing was installed."
    foreach ($line in $lines) { Write-Host $line }
    exit 1
}

$wanted = ($Sha256 -replace "[^0-9A-Fa-f]", "").ToLower()
$sums = Join-Path $here "SHA256SUMS"
if (-not (Test-Path -LiteralPath $sums -PathType Leaf)) { Stop-Install "SHA256SUMS: missing" }
$found = (Get-FileHash -LiteralPath $sums -Algorithm SHA256).Hash.ToLower()
if ($found -ne $wanted) { Stop-Install "SHA256SUMS: changed; SHA-256 $found, expected $wanted" }

# What is started from the bundle is compared here; install.py compares every other file.
foreach ($line in Get-Content -LiteralPath $sums) {
    $hash, $name = $line -split "  ", 2
    if ($name -ne "install.py" -and -not $name.StartsWith("python/")) { continue }
    $file = Join-Path $here $name
    if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { Stop-Install "${name}: missing" }
    if ((Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash.ToLower() -ne $hash) {
        Stop-Install "${name}: changed"
    }
}

$arguments = @("-I", (Join-Path $here "install.py"), "--sha256", $wanted, "--to", $To)
if ($Check) { $arguments += "--check" }
$archive = Join-Path $here "python\python.tar.gz"
if (Test-Path -LiteralPath $archive -PathType Leaf) {
    # Unpacked where it stays: application control often refuses what runs from the temp folder.
    $python = Join-Path $To "python\python.exe"
    if (-not (Test-Path -LiteralPath $python -PathType Leaf)) {
        New-Item -ItemType Directory -Force -Path $To | Out-Null
        tar -xzf $archive -C $To
        if ($LASTEXITCODE -ne 0) { Write-Host "Cannot unpack $archive."; exit 1 }
    }
    & $python @arguments
    exit $LASTEXITCODE
}
& py "-@PYTHON@" @arguments
exit $LASTEXITCODE
