"""Measure how well `check --privacy` finds identifiers, on sentences made up for this purpose.

    python scripts/bench/identifiers.py [--rows 2000] [--seed 1] [--replaced] [--presidio]

Half of the sentences contain one identifier of a random kind, in forms that people write; the
others contain numbers and words of clinical texts that are not identifiers. Prints precision and
recall per kind. Those who wrote the patterns also wrote these sentences, so real texts will do
worse, above all for names. With `--replaced`, prints per kind how many planted identifiers
`deidentify` replaces as a whole and how many stay, at least in part; `--presidio` adds presidio.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
from collections import Counter
from collections.abc import Callable, Sequence

from localensemble.privacy.deidentify.deidentifier import Deidentifier
from localensemble.privacy.identifiers.kinds import KINDS, kinds_in
from localensemble.privacy.identifiers.number_checks import (
    has_luhn,
    is_dea_number,
    is_iban,
    is_nhs_number,
    is_vehicle_number,
)

_FIRST = "Anna James Priya Mohammed Olga Tunde Mei Lars Fatima Tom Aoife Jürgen".split()  # noqa: SIM905
_LAST = "Smith O'Brien Patel Müller Garcia Okafor Chen Larsen Kowalski Hughes".split()  # noqa: SIM905
_STREETS = ["High", "Church", "Station", "Maple", "Oak", "Victoria", "Mill", "Park"]
_MONTHS = "January Feb March April May June July Aug September Oct November Dec".split()  # noqa: SIM905
_FRAMES = (
    "The patient was seen on the ward; {} was noted and the plan agreed.",
    "{} - see the letter from the clinic.",
    "Please update the record: {}.",
    "He said that {} should be used from now on.",
    "Contact details given at discharge were {}",
)
_ORDINARY = (
    "BP 128/82, pulse 76, temp 36.8, sats 98% on air.",
    "Started amoxicillin 500 mg three times a day for 7 days.",
    "Hb 13.2 g/dl, WCC 7.4, platelets 250, CRP 12.",
    "Stage 2/3 disease, T2N1M0, ICD-10 C50.9.",
    "The pain score was 7/10, down from 9/10 in 2019.",
    "A 67-year-old woman with COPD and an FEV1 of 48%.",
    "Reviewed in 2 weeks; bloods every 3 months.",
    "Dose reduced from 2.5 mg to 1.25 mg, then 0.625 mg.",
    "The nurse was kind and the ward was clean.",
    "Waited 3 hours 45 minutes in A&E before being seen.",
    "Section 17 leave was granted under the Act of 1983.",
    "Oxygen at 2 l/min; fluid balance -350 ml over 24 h.",
    "Read code 1371., SNOMED 22298006 and OPCS W37.1 were used.",
    "The study of 1,250 patients had a hazard ratio of 0.71 (0.58 to 0.87).",
    "Saturation fell to 91 on exertion and recovered to 96.",
    "May need 10 mg more, march on with physiotherapy 5 times a week.",
    "The ejection fraction was 35-40%, LVEDD 5.8 cm.",
    "Weight 92 kg, height 178 cm, BMI 29.0.",
    "Seen in room 12 on floor 3; the call bell took 20 minutes.",
    "Version 2.1 of the protocol, section 4.3.2, was followed.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print precision and recall per kind; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure how well identifiers are found.")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replaced", action="store_true")
    parser.add_argument("--presidio", action="store_true")
    options = parser.parse_args(arguments)
    if options.replaced:
        found = Deidentifier(built_in=True, presidio=options.presidio, patterns={})
        _print_replaced(*measure_replaced(found, rows=options.rows, seed=options.seed))
        return 0
    right, found, planted, ordinary = measure(rows=options.rows, seed=options.seed)
    sys.stdout.write(f"{'kind':32} planted  found  right  precision  recall\n")
    for kind in KINDS:
        letter = kind.letter
        precision = right[letter] / found[letter] if found[letter] else float("nan")
        recall = right[letter] / planted[letter] if planted[letter] else float("nan")
        sys.stdout.write(
            f"{letter} {kind.name:30} {planted[letter]:7} {found[letter]:6} {right[letter]:6}"
            f" {precision:10.3f} {recall:7.3f}\n"
        )
    every = sum(right.values())
    sys.stdout.write(
        f"all: precision {every / sum(found.values()):.3f}, recall "
        f"{every / sum(planted.values()):.3f}; ordinary sentences with a finding: {ordinary} of "
        f"{options.rows // 2}\n"
    )
    return 0


def measure_replaced(
    deidentifier: Deidentifier, *, rows: int, seed: int
) -> tuple[Counter[str], Counter[str]]:
    """Return how many identifiers of each kind were planted, and how many stay in part."""
    draw = random.Random(seed)
    planted, left = Counter[str](), Counter[str]()
    for _ in range(rows):
        letter = draw.choice(list(MAKERS))
        made, frame = draw.choice(MAKERS[letter])(draw), draw.choice(_FRAMES)
        shown = deidentifier.replaced(frame.format(made), where="a sentence").text
        planted[letter] += 1
        left[letter] += any(part in shown for part in _telling_parts(made))
    return planted, left


def _telling_parts(made: str) -> list[str]:
    """Return the parts of an identifier that tell something: names, and what has digits."""
    parts = made.replace(",", " ").replace(":", " ").split()
    with_digits = [part for part in parts if any(map(str.isdigit, part))]
    return with_digits or [part for part in parts if part[0].isupper()] or parts[-1:]


def _print_replaced(planted: Counter[str], left: Counter[str]) -> None:
    sys.stdout.write(f"{'kind':32} planted  replaced  left in part  share left\n")
    for kind in KINDS:
        count, stays = planted[kind.letter], left[kind.letter]
        sys.stdout.write(
            f"{kind.letter} {kind.name:30} {count:7} {count - stays:9} {stays:13} "
            f"{stays / count if count else float('nan'):11.3f}\n"
        )
    every, stays = sum(planted.values()), sum(left.values())
    sys.stdout.write(
        f"all: {every:,} planted, {every - stays:,} replaced, {stays:,} left at least in part "
        f"({stays / every:.1%}); synthetic sentences, so real texts keep more\n"
    )


def measure(*, rows: int, seed: int) -> tuple[Counter[str], Counter[str], Counter[str], int]:
    """Return how many cells of each kind were right, found and planted, and false alarms."""
    draw = random.Random(seed)
    right, found, planted = Counter[str](), Counter[str](), Counter[str]()
    ordinary = 0
    for row in range(rows):
        letter = ""
        if row % 2:
            letter = draw.choice(list(MAKERS))
            text = draw.choice(_FRAMES).format(draw.choice(MAKERS[letter])(draw))
            planted[letter] += 1
        else:
            text = " ".join(draw.sample(_ORDINARY, 2))
        kinds = set(kinds_in(text))
        found.update(kinds)
        right[letter] += letter in kinds and bool(letter)
        ordinary += not letter and bool(kinds)
    return right, found, planted, ordinary


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices(string.digits, k=count))


def _until(make: Callable[[], str], check: Callable[[str], bool]) -> str:
    while not check(made := make()):
        pass
    return made


def _name(draw: random.Random) -> str:
    return f"{draw.choice(_FIRST)} {draw.choice(_LAST)}"


def _card(draw: random.Random) -> str:
    made = _until(lambda: "4" + _digits(draw, 15), has_luhn)
    return draw.choice((made, " ".join(made[at : at + 4] for at in range(0, 16, 4))))


def _nhs(draw: random.Random) -> str:
    made = _until(lambda: "4" + _digits(draw, 9), is_nhs_number)
    return draw.choice((made, f"{made[:3]} {made[3:6]} {made[6:]}"))


def _iban(draw: random.Random) -> str:
    return _until(lambda: f"DE{_digits(draw, 20)}", is_iban)


def _vin(draw: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    return _until(lambda: "".join(draw.choices(letters, k=17)), is_vehicle_number)


def _ssn(draw: random.Random) -> str:
    return f"{draw.randint(100, 650)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}"


def _day(draw: random.Random) -> tuple[int, int, int]:
    return draw.randint(1, 28), draw.randint(1, 12), draw.randint(1930, 2024)


Maker = Callable[[random.Random], str]
MAKERS: dict[str, tuple[Maker, ...]] = {
    "A": (
        lambda draw: f"{draw.choice(('Mr', 'Mrs', 'Dr.', 'Prof'))} {draw.choice(_LAST)}",
        lambda draw: f"patient {_name(draw)}",
        lambda draw: f"daughter {draw.choice(_FIRST)}",
        _name,
    ),
    "B": (
        lambda draw: f"{draw.randint(1, 300)} {draw.choice(_STREETS)} Street",
        lambda draw: f"{draw.randint(1, 99)} {draw.choice(_STREETS)} Rd",
        lambda draw: f"Leeds LS{draw.randint(1, 9)} {draw.randint(1, 9)}AB",
        lambda draw: f"Springfield, IL {_digits(draw, 5)}",
        lambda draw: f"a flat in {draw.choice(('Oldham', 'Truro', 'Cork'))}",
    ),
    "C": (
        lambda draw: "{2}-{1:02}-{0:02}".format(*_day(draw)),
        lambda draw: "{}/{}/{}".format(*_day(draw)),
        lambda draw: f"{_day(draw)[0]} {draw.choice(_MONTHS)} {_day(draw)[2]}",
        lambda draw: f"{draw.choice(_MONTHS)} {_day(draw)[0]}, {_day(draw)[2]}",
        lambda draw: f"a {draw.randint(90, 104)}-year-old man",
        lambda draw: f"aged {draw.randint(90, 104)}",
    ),
    "D": (
        lambda draw: f"+44 20 7{_digits(draw, 3)} {_digits(draw, 4)}",
        lambda draw: f"({draw.randint(200, 989)}) {draw.randint(200, 999)}-{_digits(draw, 4)}",
        lambda draw: f"07{_digits(draw, 9)}",
        lambda draw: f"tel 0{_digits(draw, 3)} {_digits(draw, 3)} {_digits(draw, 4)}",
        lambda draw: f"extension {_digits(draw, 4)}",
    ),
    "E": (
        lambda draw: f"fax 0{_digits(draw, 4)} {_digits(draw, 6)}",
        lambda draw: f"Fax: +1 {_digits(draw, 3)} {_digits(draw, 3)} {_digits(draw, 4)}",
    ),
    "F": (
        lambda draw: f"{draw.choice(_FIRST).lower()}.{_digits(draw, 2)}@mail.example.org",
        lambda draw: f"{_digits(draw, 4)}@clinic.example",
    ),
    "G": (
        _ssn,
        lambda draw: f"SSN {_ssn(draw)}",
        lambda draw: f"SSN: {_ssn(draw).replace('-', '')}",
    ),
    "H": (
        lambda draw: f"MRN {_digits(draw, 7)}",
        lambda draw: f"hospital id: H{_digits(draw, 6)}",
        _nhs,
        lambda draw: f"unit no {_digits(draw, 6)}",
    ),
    "I": (
        lambda draw: f"member ID: XK{_digits(draw, 8)}",
        lambda draw: f"policy no. {_digits(draw, 9)}",
        lambda draw: f"1EG{draw.randint(0, 9)}-TE{draw.randint(0, 9)}-MK{_digits(draw, 2)}",
    ),
    "J": (_card, _iban, lambda draw: f"account number {_digits(draw, 8)}"),
    "K": (
        lambda draw: f"GMC {_digits(draw, 7)}",
        lambda draw: f"license no. {_digits(draw, 8)}",
        lambda draw: _until(lambda: f"AB{_digits(draw, 7)}", is_dea_number),
    ),
    "L": (_vin, lambda draw: f"license plate {_digits(draw, 3)} ABC"),
    "M": (
        lambda draw: f"serial number SN{_digits(draw, 7)}",
        lambda draw: f"(01){_digits(draw, 14)}",
        lambda draw: f"pump {_digits(draw, 6)}",
    ),
    "N": (
        lambda draw: f"https://people.example.org/{_digits(draw, 4)}",
        lambda draw: f"www.{draw.choice(_LAST).lower().replace(chr(39), '')}.example",
    ),
    "O": (
        lambda draw: ".".join(str(draw.randint(1, 254)) for _ in range(4)),
        lambda draw: f"2001:db8:{_digits(draw, 2)}::{_digits(draw, 1)}",
    ),
    "P": (lambda draw: draw.choice(("his fingerprint", "a retinal scan", "the voice print")),),
    "Q": (
        lambda draw: f"IMG_{_digits(draw, 4)}.jpg",
        lambda draw: f"face-{_digits(draw, 2)}.png",
    ),
    "R": (
        lambda draw: f"passport no {_digits(draw, 9)}",
        lambda draw: f"accession number A{_digits(draw, 8)}",
        lambda draw: f"sample {draw.choice('QRS')}{_digits(draw, 5)}",
    ),
}

if __name__ == "__main__":
    sys.exit(main())
