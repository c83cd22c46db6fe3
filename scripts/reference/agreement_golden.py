"""Write the golden files of the agreement coefficients again, from the published tables.

    scripts/setup --reference
    .venv-reference/bin/python scripts/reference/agreement_golden.py SHARED/data

The tables are read from ``agreement_worked_examples``; published numbers are typed in below;
the ``reference`` block of each file holds what irrCAC and krippendorff compute.
"""

import csv
import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
from irrCAC import table as irrcac_table
from irrCAC.raw import CAC

TABLES = Path(sys.argv[1]) / "agreement_worked_examples"
GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
BASE = f"numpy {version('numpy')}, Python {sys.version_info.major}.{sys.version_info.minor}"
IRRCAC = f"irrCAC {version('irrCAC')} (categories and digits=10 passed), {BASE}"
KRIPPENDORFF = f"krippendorff {version('krippendorff')}, {BASE}"
PUBLISHED = {"computed_with": "published, three digits", "tolerance": 5.0001e-4}
SCHEMES = ("quadratic", "linear", "ordinal", "radical", "ratio", "circular", "bipolar")
LEVEL_OF = {"identity": "nominal", "quadratic": "interval", "ratio": "ratio"}
NAMES = {
    "gwet": "AC2",
    "fleiss": "Fleiss kappa",
    "conger": "Conger kappa",
    "bp": "Brennan-Prediger",
}


def read(name):
    """Return the rater names, and for each item a row of category names (None for a gap)."""
    cells = {}
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells.setdefault(row["id"], {})[row["rater"]] = row["label"]
    raters = sorted({rater for row in cells.values() for rater in row})
    return raters, [[cells[item].get(rater) for rater in raters] for item in sorted(cells)]


def numbers(rows, categories, values):
    place = dict(zip(categories, map(float, values), strict=True))
    return np.array([[place.get(name, np.nan) for name in row] for row in rows])


def by_irrcac(cells, values, method, weights="identity"):
    """Return one golden entry with value, both agreements, standard error and interval."""
    table = CAC(
        pd.DataFrame(cells), weights=weights, categories=[float(v) for v in values], digits=10
    )
    found = getattr(table, method)()["est"]
    low, high = map(float, found["confidence_interval"])
    if method == "krippendorff":
        entry = {"coefficient": "Krippendorff alpha", "level": LEVEL_OF[weights]}
        parts = {}
    else:
        plain = weights == "identity"
        name = "AC1" if plain and method == "gwet" else NAMES[method]
        entry = {"coefficient": name} | ({} if plain else {"weights": weights})
        parts = {
            "observed_agreement": float(found["pa"]),
            "expected_agreement": float(found["pe"]),
        }
    return {
        **entry,
        "value": float(found["coefficient_value"]),
        **parts,
        "standard_error": float(found["se"]),
        "interval_low": low,
        "interval_high": high,
    }


def by_irrcac_of_two(rows, categories):
    """Return values only: for a table, irrCAC divides a variance by N, not by N - 1."""
    table = pd.DataFrame(0, index=categories, columns=categories)
    for one, other in rows:
        table.loc[one, other] += 1
    both = irrcac_table.CAC(table, digits=10)
    return [
        entry(name, float(getattr(both, method)()["est"]["coefficient_value"]))
        for name, method in (("Cohen kappa", "cohen"), ("Scott pi", "scott"))
    ]


def all_by_irrcac(cells, values, *, weighted=True, methods=tuple(NAMES)):
    found = [by_irrcac(cells, values, method) for method in methods]
    # irrCAC refuses ratio weights if a category is 0.
    schemes = [scheme for scheme in SCHEMES if weighted and (scheme != "ratio" or values[0])]
    found += [by_irrcac(cells, values, method, scheme) for scheme in schemes for method in methods]
    levels = [w for w in LEVEL_OF if w != "ratio" or values[0]]
    return found + [by_irrcac(cells, values, "krippendorff", w) for w in levels]


def entry(coefficient, value=None, **more):
    return {"coefficient": coefficient} | ({} if value is None else {"value": value}) | more


def write(name, source, head, raters, rows, categories, values, expected, reference=None):
    document = {
        "source": source,
        **head,
        "categories": list(categories),
        "values": list(values),
        "raters": raters,
        "expected": expected,
    }
    if reference:
        document["reference"] = reference
    text = json.dumps(document, indent=2, ensure_ascii=False)[:-2]
    body = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in rows)
    (GOLDEN / f"{name}.json").write_text(f'{text},\n  "rows": [\n{body}\n  ]\n}}\n', "utf-8")


def main():
    warnings.simplefilter("ignore")
    exact = {"computed_with": IRRCAC, "tolerance": 1e-9}

    categories, values = list("12345"), [1, 2, 3, 4, 5]
    raters, rows = read("gwet_4raters")
    cells = numbers(rows, categories, values)
    ac2 = zip(SCHEMES, (0.914, 0.859, 0.899, 0.820, 0.857, 0.830, 0.900), strict=True)
    write(
        "gwet_four_raters",
        "Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition: 12 items, 4 raters, gaps, "
        "5 categories; values as given in the documentation of irrCAC",
        PUBLISHED,
        raters,
        rows,
        categories,
        values,
        [
            entry("AC1", 0.775, standard_error=0.143),
            entry("Fleiss kappa", 0.761, standard_error=0.153),
            entry("Conger kappa", 0.763),
            entry("Brennan-Prediger", 0.773),
            entry("Krippendorff alpha", 0.743, level="nominal", standard_error=0.146),
            *(entry("AC2", value, weights=scheme) for scheme, value in ac2),
        ],
        exact | {"expected": all_by_irrcac(cells, values)},
    )

    categories, values = list("0123"), [0, 1, 2, 3]
    raters, rows = read("gwet_5observers")
    write(
        "gwet_five_observers",
        "Gwet: 15 items, 5 observers, gaps, ordinal categories 0 to 3; table as in irrCAC "
        "(raw_5observers), whose tests follow Gwet's spreadsheet",
        {"computed_with": "see reference", "tolerance": 5.0001e-4},
        raters,
        rows,
        categories,
        values,
        [],
        exact | {"expected": all_by_irrcac(numbers(rows, categories, values), values)},
    )

    categories, values = ["Ectopic", "AIU", "NIU"], [1, 2, 3]
    raters, rows = read("gwet_3x3_abstractors")
    cells = numbers(rows, categories, values)
    write(
        "gwet_abstractors",
        "Gwet (2014): 100 items, 2 abstractors, 3 categories; a contingency table",
        PUBLISHED,
        raters,
        rows,
        categories,
        values,
        [entry("Cohen kappa", 0.796), entry("AC1", 0.849)],
        exact
        | {
            "expected": all_by_irrcac(cells, values, weighted=False)
            + by_irrcac_of_two(rows, categories)
        },
    )

    categories = ["depression", "personality disorder", "schizophrenia", "neurosis", "other"]
    values = [1, 2, 3, 4, 5]
    raters, rows = read("fleiss1971_psychiatric")
    cells = numbers(rows, categories, values)
    write(
        "fleiss_1971",
        "Fleiss (1971), Psychological Bulletin 76:378-382, Table 1: 30 patients, 6 psychiatrists "
        "each, 5 diagnoses; raters are not identified, their order is arbitrary",
        PUBLISHED,
        raters,
        rows,
        categories,
        values,
        [entry("Fleiss kappa", 0.430), entry("percent agreement", 0.556)],
        exact
        | {
            "expected": all_by_irrcac(
                cells, values, weighted=False, methods=("gwet", "fleiss", "bp")
            )
        },
    )

    categories, values = list("12345"), [1, 2, 3, 4, 5]
    raters, rows = read("krippendorff2011")
    cells = numbers(rows, categories, values)
    levels = zip(
        ("nominal", "ordinal", "interval", "ratio"), (0.743, 0.815, 0.849, 0.797), strict=True
    )
    computed = [
        entry(
            "Krippendorff alpha",
            float(
                krippendorff.alpha(
                    reliability_data=cells.T,
                    level_of_measurement=level,
                    value_domain=[float(value) for value in values],
                )
            ),
            level=level,
        )
        for level in ("nominal", "ordinal", "interval", "ratio")
    ]
    write(
        "krippendorff_2011",
        "Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: 12 units, 4 observers, "
        "gaps",
        PUBLISHED,
        raters,
        rows,
        categories,
        values,
        [entry("Krippendorff alpha", value, level=level) for level, value in levels],
        {"computed_with": KRIPPENDORFF, "tolerance": 1e-9, "expected": computed},
    )

    write(
        "skewed_prevalence",
        "Constructed: 20 items, 3 raters, one category rare, to show the kappa paradox",
        {"computed_with": "irrCAC 0.4.4, five digits", "tolerance": 5e-6},
        ["a", "b", "c"],
        [["absent"] * 3] * 18 + [["absent", "absent", "present"], ["present", "present", "absent"]],
        ["absent", "present"],
        [1, 2],
        [
            entry(
                "AC1",
                0.92634,
                observed_agreement=0.93333,
                expected_agreement=0.095,
                standard_error=0.05577,
                interval_low=0.80961,
                interval_high=1.0,
            ),
            entry(
                "Fleiss kappa",
                0.29825,
                observed_agreement=0.93333,
                expected_agreement=0.905,
                standard_error=0.16277,
            ),
        ],
    )


if __name__ == "__main__":
    main()
