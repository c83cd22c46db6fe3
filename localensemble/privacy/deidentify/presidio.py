"""Find identifiers with the recognizers of the package presidio-analyzer.

Only recognizers that work by patterns and check digits, and the one for telephone numbers, are
used. Those for names and places need a language model, which this program does not download.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from localensemble.core.errors import InputError

PACKAGE = "presidio-analyzer"
LANGUAGE = "en"
# Below it are patterns such as "8 to 17 digits", which match doses and dates.
LEAST_SCORE = 0.4
# Presidio's name of a kind -> ours, so that counts of one kind stand together.
_KINDS = {
    "CREDIT_CARD": "ACCOUNT NUMBER",
    "CRYPTO": "ACCOUNT NUMBER",
    "DATE_TIME": "DATE",
    "EMAIL_ADDRESS": "E-MAIL ADDRESS",
    "IBAN_CODE": "ACCOUNT NUMBER",
    "IP_ADDRESS": "IP ADDRESS",
    "MAC_ADDRESS": "DEVICE NUMBER",
    "MEDICAL_LICENSE": "LICENSE NUMBER",
    "PHONE_NUMBER": "TELEPHONE NUMBER",
    "UK_NHS": "MEDICAL RECORD NUMBER",
    "URL": "WEB ADDRESS",
    "US_BANK_NUMBER": "ACCOUNT NUMBER",
    "US_DRIVER_LICENSE": "LICENSE NUMBER",
    "US_SSN": "SOCIAL SECURITY NUMBER",
}


class PresidioRecognizers:
    """The recognizers, loaded once."""

    def __init__(self) -> None:
        if importlib.util.find_spec("presidio_analyzer") is None:
            raise InputError(
                "The codebook asks for presidio (deidentify.identifiers), but the package "
                f"{PACKAGE} is not installed.",
                hint='Install the extra: pip install "localensemble[deid]"; or write '
                "`identifiers: built_in`.",
            )
        self._recognizers = tuple(_recognizers())

    @property
    def version(self) -> str:
        """The version of the package."""
        return package_version()

    def found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where an identifier is, and its kind."""
        for recognizer in self._recognizers:
            for one in recognizer.analyze(text, recognizer.supported_entities, None) or ():
                if one.score >= LEAST_SCORE:
                    name = str(one.entity_type)
                    yield one.start, one.end, _KINDS.get(name, name.replace("_", " "))


def package_version() -> str:
    """Return the version of the package; empty if it is not installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return ""


def _recognizers() -> Iterator[Any]:
    import tldextract
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    # The recognizer of e-mail addresses checks domains with this package, which would download
    # the list of public suffixes; the list in the package is enough.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    # It warns of every recognizer of another language that it leaves out.
    logging.getLogger(PACKAGE).setLevel(logging.ERROR)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=[LANGUAGE])
    for one in registry.recognizers:
        if isinstance(one, PatternRecognizer | PhoneRecognizer):
            yield one
