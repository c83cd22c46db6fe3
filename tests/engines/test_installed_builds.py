"""What computes is named with its version and who built it."""

from __future__ import annotations

import pytest

from localensemble.engines import installed_builds as module
from localensemble.engines.installed_builds import installed_builds


@pytest.mark.parametrize(
    ("origin", "told"),
    [("library x 1 (ab+cd)", "library x 1 (ab+cd)"), ("", "library compiled with it")],
)
def test_the_origin_of_the_library_is_named(
    monkeypatch: pytest.MonkeyPatch, origin: str, told: str
) -> None:
    monkeypatch.setattr(module, "version", lambda name: "0.3.35")
    monkeypatch.setattr(module, "library_origin", lambda: origin)
    assert installed_builds() == (f"llama-cpp-python 0.3.35, {told}",)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no-such-package-le")
    assert installed_builds() == ("no-such-package-le is not installed",)
