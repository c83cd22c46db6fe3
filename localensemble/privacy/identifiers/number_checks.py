"""Check digits and ranges, so that a count of digits alone makes no identifier."""

from __future__ import annotations

import ipaddress
import re
from datetime import date

_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_MONTHS = 12


def digits_of(text: str) -> str:
    """Return the digits of a text."""
    return "".join(character for character in text if character in "0123456789")


def has_luhn(text: str) -> bool:
    """Tell whether the last digit is the check digit of Luhn (ISO/IEC 7812), as of cards."""
    digits = digits_of(text)
    total = sum(int(one) for one in digits[-1::-2])
    total += sum(sum(divmod(2 * int(one), 10)) for one in digits[-2::-2])
    return len(set(digits)) > 1 and total % 10 == 0


def is_nhs_number(text: str) -> bool:
    """Tell whether ten digits have the check digit of an NHS number (modulus 11)."""
    digits = digits_of(text)
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    weights = range(10, 1, -1)
    rest = 11 - sum(int(one) * weight for one, weight in zip(digits[:9], weights, strict=True)) % 11
    return rest % 11 == int(digits[9]) and rest != 10


def is_social_security_number(text: str) -> bool:
    """Tell whether nine digits can be a US social security number (SSA, since 2011)."""
    area, group, serial = re.split(r"[- ]", text)
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def is_iban(text: str) -> bool:
    """Tell whether an account number has the check digits of ISO 13616 (modulus 97)."""
    plain = text.replace(" ", "").upper()
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def is_vehicle_number(text: str) -> bool:
    """Tell whether 17 characters have the check digit of a vehicle number (49 CFR 565.15)."""
    if not re.search(r"[A-Z]", text) or not re.search(r"\d", text):
        return False
    values = (int(_VIN_VALUES.get(character, character)) for character in text)
    rest = sum(value * weight for value, weight in zip(values, _VIN_WEIGHTS, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def is_dea_number(text: str) -> bool:
    """Tell whether a DEA registration has its check digit."""
    digits = [int(one) for one in digits_of(text)]
    return (sum(digits[0:5:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def is_ip_address(text: str) -> bool:
    """Tell whether a text is an address of the Internet Protocol."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Tell whether three numbers can be a date, in whatever order day and month are."""
    first, second, third = (int(part) for part in re.split(r"[-/.]", text))
    if len(re.split(r"[-/.]", text)[0]) == 4:
        first, third = third, first
    year = third if third > 99 else 1900 + third
    return any(_exists(year, month, day) for day, month in ((first, second), (second, first)))


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).year > 1850 if month <= _MONTHS else False
    except ValueError:
        return False
