"""Edit a workbook in LibreOffice as a person does: cell by cell, by typing."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.check_spreadsheet import find_soffice

MOST_SECONDS = 120
# Typing goes through the same door as the keyboard: formats, locks and lists apply.
MACRO = """\
Sub Edit
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  Dim where(0) As New com.sun.star.beans.PropertyValue
  where(0).Name = "ToPoint"
  Dim what(0) As New com.sun.star.beans.PropertyValue
  what(0).Name = "StringName"
  Dim how(0) As New com.sun.star.beans.PropertyValue
  how(0).Name = "FilterName" : how(0).Value = "Calc MS Excel 2007 XML"
  address = ConvertToURL(Environ("EDITED_WORKBOOK"))
  book = StarDesktop.loadComponentFromURL(address, "_blank", 0, hidden())
  keyboard = createUnoService("com.sun.star.frame.DispatchHelper")
  frame = book.CurrentController.Frame
  number = FreeFile()
  Open Environ("TYPED_CELLS") For Input As #number
  Do While Not EOF(number)
    Line Input #number, entry
    parts = Split(entry, Chr(9))
    where(0).Value = parts(0)
    keyboard.executeDispatch(frame, ".uno:GoToCell", "", 0, where())
    what(0).Value = parts(1)
    keyboard.executeDispatch(frame, ".uno:EnterString", "", 0, what())
  Loop
  Close #number
  book.storeToURL(address, how())
  book.close(True)
  StarDesktop.terminate()
End Sub
"""
MODULE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" \
script:language="StarBasic">{macro}</script:module>
"""


def type_in_libreoffice(workbook: Path, cells: Mapping[str, str]) -> None:
    """Type into cells of the first sheet and save the workbook in its place.

    Skips the test without LibreOffice.
    """
    soffice = find_soffice()
    if soffice is None:
        pytest.skip("needs LibreOffice Calc; install it or name it in SOFFICE")
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        # Without a task, the first start only fills the folder of settings.
        _run(soffice, profile, "--terminate_after_init")
        module = profile / "user" / "basic" / "Standard" / "Module1.xba"
        module.write_text(MODULE.format(macro=MACRO), encoding="utf-8")
        typed = Path(folder) / "cells.txt"
        typed.write_text("".join(f"{at}\t{text}\n" for at, text in cells.items()), encoding="utf-8")
        before = workbook.read_bytes()
        named = {"EDITED_WORKBOOK": str(workbook.resolve()), "TYPED_CELLS": str(typed)}
        _run(soffice, profile, "macro:///Standard.Module1.Edit", **named)
        assert workbook.read_bytes() != before, "LibreOffice saved nothing"


def _run(soffice: str, profile: Path, task: str, **named: str) -> None:
    ended = subprocess.run(
        [soffice, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", task],
        check=False,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        env=os.environ | named,
    )
    assert ended.returncode == 0, ended.stderr
