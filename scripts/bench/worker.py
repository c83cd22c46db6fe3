#!/usr/bin/env python3
"""Measure what an engine's own process costs: its messages, and a whole block of items.

The messages of a block are packed and unpacked here, beside pickle as the bound: how fast two
processes that trust each other could be. Then the same block is scored in this process and in
another one, in turn; read the ratio.

    .venv/bin/python scripts/bench/worker.py [--model FILE.gguf] [--items 256] [--repeats 5]
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from localensemble.core.prompts import Message, Prompt, Segment
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import Scores, Usage
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.message_stream import Frame, packed, unpacked
from localensemble.engines.worker.requests import Request, read_request, request_message
from localensemble.engines.worker.responses import read_response, report_message
from localensemble.engines.worker.worker_engines import WorkerEngine

ANSWERS = ("praise", "complaint", "neither", "both")
INSTRUCTION = "Read the comment and choose one category. " * 40
COMMENT = "The staff were kind and the waiting room was cold. "
USAGE = Usage(1, 1, 1.0, 1)
_PREFIX_BYTES = 20


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--items", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    prompts = tuple(_prompt(number) for number in range(options.items))
    _measure_messages(prompts, options.repeats)
    if options.model is not None:
        _measure_block(options.model, prompts, options.repeats)


def _prompt(number: int) -> Prompt:
    comment = Segment(f"{number}: {COMMENT * (1 + number % 4)}", "item")
    return Prompt((Message("user", (Segment(INSTRUCTION, "instruction"), comment)),))


def _measure_messages(prompts: tuple[Prompt, ...], repeats: int) -> None:
    answers = (ANSWERS,) * len(prompts)
    request = Request(
        "score_wanted", prompts=prompts, answers=answers, wanted=frozenset(range(len(prompts)))
    )
    numbers = tuple(-0.1 * (one + 1) for one in range(len(ANSWERS)))
    results = {index: Scores(numbers, 0.1, 300) for index in range(len(prompts))}
    ours = _best(lambda: _round_trips(request, results), repeats)
    bound = _best(lambda: pickle.loads(pickle.dumps((request, results), -1)), repeats)
    print(f"messages of {len(prompts)} items: {ours * 1e3:.1f} ms (pickle: {bound * 1e3:.1f} ms)")


def _round_trips(request: Request, results: dict[int, Scores]) -> None:
    read_request(unpacked(_frame(packed(request_message(request)))))
    read_response(unpacked(_frame(packed(report_message(results, USAGE)))), "score_wanted")


def _frame(data: bytes) -> Frame:
    size = int.from_bytes(data[4:12], "big")
    return Frame(data[_PREFIX_BYTES:][:size], data[_PREFIX_BYTES + size :])


def _best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def _measure_block(model: Path, prompts: tuple[Prompt, ...], repeats: int) -> None:
    settings = EngineSettings(model_path=model)
    answers = [ANSWERS] * len(prompts)
    here, there = LlamaCppEngine(settings), WorkerEngine(settings)
    times: dict[str, list[float]] = {"here": [], "there": []}
    for _ in range(repeats):
        for name, engine in (("here", here), ("there", there)):
            started = time.perf_counter()
            engine.score(prompts, answers)
            times[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(one) for name, one in times.items()}
    ratios = [b / a for a, b in zip(times["here"], times["there"], strict=True)]
    print(
        f"a block of {len(prompts)} items: {middle['here']:.2f} s here, {middle['there']:.2f} s "
        f"in its own process; ratio {statistics.median(ratios):.3f}"
    )
    here.close()
    there.close()


if __name__ == "__main__":
    main()
