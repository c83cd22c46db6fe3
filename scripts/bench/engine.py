#!/usr/bin/env python3
"""Compare the llama.cpp engine with other ways of getting a label from the same model.

All run in this process on the same file and the same threads, in turn within each repeat, so
that a busy machine slows all of them; read the ratios. The limit is pp512: the speed at which
llama.cpp evaluates 512 prompt tokens from an empty cache.

    .venv/bin/python scripts/bench/engine.py [--cache FOLDER] [--repeats 3] [--threads 2]

The first run writes a model with random weights (400 MB) to the cache folder. guidance is
measured if it is installed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# As in the engine's own process: waiting threads release their cores. The library reads this
# when it is loaded, so it applies to everything measured here.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from localensemble.core.prompts import Layout, Message, Prompt, Segment
from localensemble.engines.llama_cpp.context_shape import ContextShape
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.llama_cpp.model import LlamaModel
from localensemble.engines.llama_cpp.model_file import silence_log
from localensemble.engines.llama_cpp.prefix_tree import path_batch
from localensemble.engines.llama_cpp.prompt_tokens import TokenizedPrompt
from localensemble.engines.settings import EngineSettings
from scripts.bench.random_model import build, words

PREFIX_TOKENS, ITEM_TOKENS = 300, 60
NOTE_TOKENS, VARIABLES = 800, 10
LIMIT_TOKENS = 512


class Texts:
    """Make texts with a given number of tokens, never the same text twice."""

    def __init__(self, seed: int) -> None:
        self._words = words()
        self._random = random.Random(seed)
        self.answers = tuple(self._random.sample(self._words, 9))

    def text(self, tokens: int) -> str:
        """Return a text with this many tokens; its first word begins a line."""
        return " ".join(self._random.choices(self._words, k=tokens))


@dataclass(frozen=True, slots=True)
class Asked:
    """Items under one codebook, as prompts and as messages."""

    prompts: list[Prompt]
    codebook: str
    items: list[str]
    answers: tuple[str, ...]


def ask(texts: Texts, engine: LlamaCppEngine, count: int) -> Asked:
    """Make prompts with exactly 300 tokens before the item and 60 from the item on."""
    answers = texts.answers
    codebook, item = 250, 50
    while True:
        shown = texts.text(codebook) + "\n"
        prompt = _prompt(shown, texts.text(item), "")
        head, tail = _lengths(engine, prompt)
        if (head, tail) == (PREFIX_TOKENS, ITEM_TOKENS):
            break
        codebook += PREFIX_TOKENS - head
        item += ITEM_TOKENS - tail
    items = [texts.text(item) for _ in range(count)]
    return Asked([_prompt(shown, one, "") for one in items], shown, items, answers)


def ask_many(
    texts: Texts, notes: int, layout: Layout
) -> tuple[list[Prompt], list[tuple[str, ...]]]:
    """Make prompts for long notes with ten questions, variable by variable."""
    written = [texts.text(NOTE_TOKENS) for _ in range(notes)]
    questions = [texts.text(40) for _ in range(VARIABLES)]
    prompts = [
        _prompt(question + "\n", note, "")
        if layout == "codebook_first"
        else _prompt("", note, "\n" + question)
        for question in questions
        for note in written
    ]
    return prompts, [texts.answers[:2]] * len(prompts)


def _prompt(before: str, item: str, after: str) -> Prompt:
    parts = [Segment(before, "instruction"), Segment(item, "item"), Segment(after, "instruction")]
    system = Message("system", (Segment("Reply with one word.", "instruction"),))
    return Prompt((system, Message("user", tuple(part for part in parts if part.text))))


def _lengths(engine: LlamaCppEngine, prompt: Prompt) -> tuple[int, int]:
    (tokens,) = engine._tokenizer.prompts([prompt])
    if not isinstance(tokens, TokenizedPrompt):
        raise TypeError("The benchmark's own text is not a text.")
    return len(tokens.head), len(tokens.tail)


# What is measured. Each returns items per second.


def measure_engine(engine: LlamaCppEngine, asked: Asked) -> float:
    """Score all items except one, which has loaded the prefix into the cache."""
    engine.score(asked.prompts[:1], [asked.answers])
    started = time.perf_counter()
    engine.score(asked.prompts[1:], [asked.answers] * (len(asked.prompts) - 1))
    return (len(asked.prompts) - 1) / (time.perf_counter() - started)


def measure_limit(model: LlamaModel) -> float:
    """Evaluate 512 tokens; return tokens per second."""
    tokens = random.Random(0).choices(range(1000, 100_000), k=LIMIT_TOKENS)
    model.clear_cache()
    started = time.perf_counter()
    model.decode(path_batch(tokens, first_output=LIMIT_TOKENS - 1))
    model.logits(1)
    return LIMIT_TOKENS / (time.perf_counter() - started)


class Loop:
    """Run the usual loop: one chat completion per item, constrained by a JSON schema."""

    def __init__(self, path: Path, threads: int) -> None:
        self._llama: Any = importlib.import_module("llama_cpp").Llama(
            str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False
        )
        self.response_tokens = 0

    def measure(self, asked: Asked, count: int) -> float:
        """Complete this many items."""
        schema = {
            "type": "object",
            "properties": {"label": {"type": "string", "enum": list(asked.answers)}},
            "required": ["label"],
            "additionalProperties": False,
        }
        started = 0.0
        for number, item in enumerate(asked.items[: count + 1]):
            # The first item loads the prefix into the cache, which is kept.
            started = time.perf_counter() if number == 1 else started
            response = self._llama.create_chat_completion(
                messages=[
                    {"role": "system", "content": "Reply with one word."},
                    {"role": "user", "content": asked.codebook + item},
                ],
                response_format={"type": "json_object", "schema": schema},
                temperature=0.0,
                max_tokens=32,
            )
            self.response_tokens = response["usage"]["completion_tokens"]
        return count / (time.perf_counter() - started)


class Guidance:
    """Run guidance's select over the same answers."""

    def __init__(self, path: Path, threads: int) -> None:
        self._guidance: Any = importlib.import_module("guidance")
        models = importlib.import_module("guidance.models")
        self._model: Any = models.LlamaCpp(
            str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, echo=False
        )

    def measure(self, asked: Asked, count: int) -> float:
        """Select for this many items."""
        started = 0.0
        for number, item in enumerate(asked.items[: count + 1]):
            started = time.perf_counter() if number == 1 else started
            # Use plain text: with its role blocks, guidance evaluates the prefix every time.
            state = self._model + (
                "<|im_start|>system\nReply with one word.<|im_end|>\n"
                f"<|im_start|>user\n{asked.codebook}{item}<|im_end|>\n<|im_start|>assistant\n"
            )
            state += self._guidance.select(list(asked.answers), name="label")
            if state["label"] not in asked.answers:
                raise RuntimeError("guidance selected something else.")
        return count / (time.perf_counter() - started)


def first_table(path: Path, *, items: int, repeats: int, threads: int) -> dict[str, float]:
    """Measure short items: this engine, the limit, the loop, guidance."""
    texts = Texts(0)
    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=threads))
    limit = _limit_model(path, threads)
    loop = Loop(path, threads)
    guidance = Guidance(path, threads) if importlib.util.find_spec("guidance") else None
    few = max(2, items // 6)
    measured: dict[str, list[float]] = {"pp512": [], "engine": [], "loop": [], "guidance": []}
    for repeat in range(repeats + 1):
        asked = ask(texts, engine, items + 1)
        steps = {
            "pp512": partial(measure_limit, limit),
            "engine": partial(measure_engine, engine, asked),
            "loop": partial(loop.measure, asked, few),
        }
        if guidance is not None:
            steps["guidance"] = partial(guidance.measure, asked, few)
        for name, step in steps.items():
            speed = step()
            # The first round warms up.
            if repeat:
                measured[name].append(speed)
    engine.close()
    limit.close()
    result = {name: statistics.median(speeds) for name, speeds in measured.items() if speeds}
    result["loop_response_tokens"] = float(loop.response_tokens)
    return result


def second_table(path: Path, *, notes: int, repeats: int, threads: int) -> dict[str, float]:
    """Measure long notes with ten questions, in both layouts."""
    texts = Texts(1)
    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=threads))
    measured: dict[Layout, list[float]] = {"codebook_first": [], "item_first": []}
    for _ in range(repeats):
        for layout, speeds in measured.items():
            prompts, answers = ask_many(texts, notes, layout)
            engine._scorer._cache.forget()
            started = time.perf_counter()
            engine.score(prompts, answers)
            speeds.append(notes / (time.perf_counter() - started))
    engine.close()
    return {layout: statistics.median(speeds) for layout, speeds in measured.items()}


def _limit_model(path: Path, threads: int) -> LlamaModel:
    library = importlib.import_module("llama_cpp.llama_cpp")
    silence_log(library)
    model = LlamaModel(library, path, gpu_layers=None)
    model.open_context(
        ContextShape(
            tokens=LIMIT_TOKENS,
            batch_tokens=LIMIT_TOKENS,
            sequences=1,
            outputs=1,
            threads=threads,
        )
    )
    return model


def _print_first(result: dict[str, float]) -> None:
    limit, engine = result["pp512"], result["engine"]
    print(f"Short items: {PREFIX_TOKENS} tokens before the item, {ITEM_TOKENS} from the item on,")
    print("nine answers of one token each; the tokens before the item are in every cache\n")
    print(f"{'':34}{'items/s':>9}{'item tokens/s':>15}{'engine is':>12}")
    print(f"{'this engine':34}{engine:9.2f}{engine * ITEM_TOKENS:15.0f}")
    print(
        f"{'limit (pp512)':34}{limit / ITEM_TOKENS:9.2f}{limit:15.0f}"
        f"{engine * ITEM_TOKENS / limit:11.2f}x"
    )
    for name, title in (
        ("loop", f"chat loop, JSON schema ({result['loop_response_tokens']:.0f} tokens)"),
        ("guidance", "guidance select"),
    ):
        if name in result:
            speed = result[name]
            print(f"{title:34}{speed:9.2f}{speed * ITEM_TOKENS:15.0f}{engine / speed:11.2f}x")
        else:
            print(f"{title:34}{'not installed':>24}")


def _print_second(result: dict[str, float]) -> None:
    codebook, item = result["codebook_first"], result["item_first"]
    print(f"\nLong items: {NOTE_TOKENS} tokens, {VARIABLES} variables of two categories\n")
    print(f"{'':34}{'notes/s':>9}{'labels/s':>15}")
    for title, speed in (("codebook first", codebook), ("item first", item)):
        print(f"{title:34}{speed:9.3f}{speed * VARIABLES:15.2f}")
    print(f"item first is {item / codebook:.1f} times as fast")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    default_cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cache", type=Path, default=default_cache / "localensemble-bench")
    parser.add_argument("--items", type=int, default=24, help="items in each repeat")
    parser.add_argument("--notes", type=int, default=2, help="long notes in each repeat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    chosen = parser.parse_args(arguments)
    path = build(chosen.cache)
    first = first_table(path, items=chosen.items, repeats=chosen.repeats, threads=chosen.threads)
    _print_first(first)
    second = second_table(
        path, notes=chosen.notes, repeats=max(1, chosen.repeats // 3), threads=chosen.threads
    )
    _print_second(second)
    if chosen.json:
        chosen.json.write_text(json.dumps(first | second, indent=1) + "\n")


if __name__ == "__main__":
    main()
