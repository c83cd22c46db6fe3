"""Serve the review page of a large study and print how long a person waits, and its memory.

    python scripts/bench/review.py [--items 1000 100000] [--answers 100]

Imports ratings in which two raters never agree, so that every item waits for a person. Opens the
page as a browser does, over a connection that stays open, and measures the first page, and from
sending an answer to having read the next item. Peak memory is that of the process of the page.
"""

from __future__ import annotations

import argparse
import http.client
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

WORDS = ("the", "patient", "reports", "chest", "pain", "since", "night", "and", "was", "seen")
WORDS_PER_TEXT = 120
_PROGRAM = (sys.executable, "-m", "localensemble")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one study showed, in seconds and MiB.

    Attributes:
        start: from the command to the address in the terminal.
        first: the first page, after the address without the token.
        following: each from an answer to the next item.
    """

    start: float
    first: float
    following: tuple[float, ...]
    memory: float


def main() -> None:
    """Make the studies, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--answers", type=int, default=100)
    options = parser.parse_args()
    for count in options.items:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_study(folder, count)
            measured = measure(folder, answers=options.answers)
        ordered = sorted(measured.following)
        sys.stdout.write(
            f"{count:,} items: address after {measured.start:.1f} s, "
            f"first page {1000 * measured.first:.0f} ms, "
            f"next item {1000 * statistics.median(ordered):.1f} ms "
            f"(95% within {1000 * ordered[int(0.95 * len(ordered))]:.1f} ms), "
            f"peak memory {measured.memory:,.0f} MiB\n"
        )


def make_study(folder: Path, count: int) -> None:
    """Import ratings of generated items."""
    with (folder / "items.csv").open("w", encoding="utf-8") as stream:
        stream.write("id,text\n")
        for n in range(count):
            text = " ".join(WORDS[(n + 7 * k) % len(WORDS)] for k in range(WORDS_PER_TEXT))
            stream.write(f"note-{n},{text} {n}.\n")
    with (folder / "ratings.csv").open("w", encoding="utf-8") as stream:
        stream.write("id,anna,ben\n")
        stream.writelines(f"note-{n},{'yes,no' if n % 2 else 'no,yes'}\n" for n in range(count))
    subprocess.run(
        [
            *_PROGRAM,
            "import",
            "ratings.csv",
            "--items=items.csv",
            "--level=nominal",
            "--output=study",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def measure(folder: Path, *, answers: int) -> Measured:
    """Review the study as a browser would."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*_PROGRAM, "review", "study", "--items", "items.csv", "--reviewer", "Bench"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        browser = Browser(_address(process))
        start = time.perf_counter() - began
        browser.follow(browser.path)
        began = time.perf_counter()
        page = browser.follow("/")
        first = time.perf_counter() - began
        page = browser.follow("/next")
        following = []
        for _ in range(answers):
            began = time.perf_counter()
            page = browser.answer(page)
            if browser.path.endswith("/labels"):
                page = browser.answer(page)
            following.append(time.perf_counter() - began)
        return Measured(start, first, tuple(following), _peak_memory(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _peak_memory(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _address(process: subprocess.Popen[str]) -> str:
    shown = []
    for line in process.stdout or ():
        shown.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", line):
            return found[0]
    raise SystemExit("The page did not start:\n" + "".join(shown))


class Browser:
    """Open pages, follow redirects, and send the first answer of a form.

    Attributes:
        path: where it is.
    """

    def __init__(self, address: str) -> None:
        _, _, host, self.path = address.split("/", 3)
        self.path = f"/{self.path}"
        self._connection = http.client.HTTPConnection(host, timeout=60)
        self._cookie = ""

    def follow(self, path: str, *, body: str | None = None) -> str:
        """Open a page, and the one that it leads to."""
        headers = {"Cookie": self._cookie, "Sec-Fetch-Site": "same-origin"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        page = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        self.path = path
        if answer.status in {302, 303}:
            return self.follow(str(answer.getheader("location")))
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status}")
        return page

    def answer(self, page: str) -> str:
        """Choose the first category of the form of an item."""
        fields = {"csrf": _value(page, "csrf")}
        if found := re.search(r'name="(answer-0-[0-9a-f]+)"', page):
            fields[found[1]] = "0"
        return self.follow(self.path.partition("?")[0], body=urlencode(fields))


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    if found is None:
        raise SystemExit(f"The page has no field {name}.")
    return found[1]


if __name__ == "__main__":
    main()
