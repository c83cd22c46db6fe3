"""Train one embedded model from scratch and write it as a GGUF file.

    python models/training/train.py --model le-llama-2m --data DATA --out OUT

The same command gives the same file on the same machine and torch: one thread, fixed seeds,
deterministic algorithms. Nothing is chosen by looking at the test part.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from corpus import SOURCES, GoldItem, Split, read_splits
from decoder import Decoder
from encoding import Question, ask, first_tokens, prompt_texts
from export import write_model, write_vocabulary
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.prompting.template import PromptTemplate, load_template
from specs import SPECS, ModelSpec
from vocabulary import Encoder, Vocabulary, train_vocabulary

ROOT = Path(__file__).resolve().parents[2]
CODEBOOKS = ("patient_feedback", "negation", "abstract_roles")
# How often an item of each variable is seen in one epoch: small sets more often than large.
VISITS = {"theme": 1.0, "sentiment": 1.0, "negation": 4.0, "role": 0.4}
VARIANTS = 8
VARIANT_SHARE = 0.15
SMOOTHING = 0.05
WORD_NOISE = 0.08
SHIFT_SHARE = 0.3
LANGUAGE_SHARE = 0.2
LANGUAGE_WEIGHT = 0.1
TOKEN_WEIGHT = 0.15
VALIDATION_ITEMS = 800
VECTOR_EPOCHS = 4
VECTOR_RATE = 5e-3
SHORT_UNTIL = 0.3
WARMUP = 0.05
WEIGHT_DECAY = 0.05
AVERAGING = 0.96
AVERAGING_STEPS = 8


@dataclass(frozen=True, slots=True)
class TrainingItem:
    """An item of one variable: its tokens and which category is gold."""

    tokens: tuple[int, ...]
    category: int


@dataclass(frozen=True, slots=True)
class Material:
    """What one variable is trained and selected on."""

    question: Question
    train: tuple[TrainingItem, ...]
    validation: tuple[TrainingItem, ...]


def main() -> None:
    """Train the model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, choices=sorted(SPECS))
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    spec = SPECS[options.model]
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(spec.seed)
    vocabulary, materials = prepare(spec, data=options.data, out=options.out)
    decoder = Decoder(spec)
    decoder.start_from(word_vectors(spec, materials))
    decoder.to(device)
    say(f"{spec.name}: {sum(p.numel() for p in decoder.parameters()):,} parameters on {device}")
    best = Trainer(spec, decoder, materials, epochs=options.epochs or spec.epochs).run()
    path = options.out / f"{spec.name}.gguf"
    write_model(path, spec, vocabulary, best)
    say(f"wrote {path}: {path.stat().st_size:,} bytes")


def prepare(spec: ModelSpec, *, data: Path, out: Path) -> tuple[Vocabulary, dict[str, Material]]:
    """Train the tokenizer and encode all training and validation items."""
    template = load_template("label", 1)
    variables = codebook_variables()
    splits = read_splits(data)
    vocabulary = train_vocabulary(
        spec,
        tokenizer_texts(template, variables, splits),
        [name for variable in variables.values() for name in variable.answers],
    )
    path = out / f"{spec.name}.vocabulary.gguf"
    write_vocabulary(path, spec, vocabulary)
    encoder = Encoder(path)
    materials = {}
    for name, variable in variables.items():
        question = ask(spec, encoder, template, variable, variants=VARIANTS)
        split = splits[SOURCES[name]]
        materials[name] = Material(
            question,
            encode_items(encoder, variable, split.train),
            encode_items(encoder, variable, split.validation),
        )
        say(
            f"{name}: prefix {len(question.prefixes[0])} tokens, "
            f"after the item {len(question.suffix)}, answers {[len(a) for a in question.answers]}, "
            f"{len(materials[name].train)} items of "
            f"{sum(len(i.tokens) for i in materials[name].train) / len(materials[name].train):.1f}"
        )
    return vocabulary, materials


def codebook_variables() -> dict[str, Variable]:
    """Load the variables of the example codebooks."""
    return {
        variable.name: variable
        for name in CODEBOOKS
        for variable in load_codebook(ROOT / "examples" / f"{name}.yaml").variables
    }


def tokenizer_texts(
    template: PromptTemplate, variables: dict[str, Variable], splits: dict[str, Split]
) -> list[str]:
    """Return what a tokenizer learns from: training texts, and the prompts many times over."""
    texts = [item.text for split in splits.values() for item in split.train]
    for variable in variables.values():
        texts += [*prompt_texts(template, variable)] * 100
        texts += [name for name in variable.answers for _ in range(3000)]
    return texts


def encode_items(
    encoder: Encoder, variable: Variable, items: Sequence[GoldItem]
) -> tuple[TrainingItem, ...]:
    """Encode the items that have a gold label for a variable."""
    answers = variable.answers
    return tuple(
        TrainingItem(tuple(encoder.text(item.text)), answers.index(item.gold[variable.name]))
        for item in items
        if variable.name in item.gold
    )


def word_vectors(spec: ModelSpec, materials: dict[str, Material]) -> Tensor:
    """Learn a vector for each token from the gold labels, ignoring word order.

    A decoder with random weights spends most of a short training learning that items matter at
    all. With these vectors it starts from the meaning of single words.
    """
    bag = torch.nn.EmbeddingBag(spec.vocabulary_size, spec.width, mode="mean")
    torch.nn.init.normal_(bag.weight, std=0.1)
    heads = torch.nn.ModuleDict(
        {
            name: torch.nn.Linear(spec.width, len(material.question.answers))
            for name, material in materials.items()
        }
    )
    optimizer = torch.optim.Adam([*bag.parameters(), *heads.parameters()], lr=VECTOR_RATE)
    order = random.Random(spec.seed)
    losses = []
    for _ in range(VECTOR_EPOCHS):
        batches = [
            (name, items[start : start + 64])
            for name, material in materials.items()
            for items in [[item for item in material.train if item.tokens]]
            for start in range(0, len(items), 64)
        ]
        order.shuffle(batches)
        losses = []
        for name, batch in batches:
            offsets, ids = [], []
            for item in batch:
                offsets.append(len(ids))
                ids += item.tokens
            loss = functional.cross_entropy(
                heads[name](bag(torch.tensor(ids), torch.tensor(offsets))),
                torch.tensor([item.category for item in batch]),
                label_smoothing=SMOOTHING,
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
    say(f"word vectors: mean loss {sum(losses) / len(losses):.3f}")
    return bag.weight.detach()


class Trainer:
    """One training: batches of one variable each, weights averaged, best epoch kept."""

    def __init__(
        self, spec: ModelSpec, decoder: Decoder, materials: dict[str, Material], *, epochs: int
    ) -> None:
        self.spec = spec
        self.decoder = decoder
        self.materials = materials
        self.epochs = epochs
        self.random = random.Random(spec.seed)
        self.averaged = copy.deepcopy(decoder).eval()
        self.device = next(decoder.parameters()).device
        matrices = [p for p in decoder.parameters() if p.dim() > 1]
        others = [p for p in decoder.parameters() if p.dim() == 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": WEIGHT_DECAY},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=spec.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )

    def run(self) -> Decoder:
        """Train, and return the averaged weights of the epoch that is best in validation."""
        plans = [list(self._plan()) for _ in range(self.epochs)]
        total, step, best, best_score = sum(map(len, plans)), 0, self.averaged, -1.0
        start = time.monotonic()
        for epoch, plan in enumerate(plans, 1):
            self.decoder.train()
            running: dict[str, list[float]] = {name: [] for name in self.materials}
            for name, items in plan:
                for group in self.optimizer.param_groups:
                    group["lr"] = self.spec.learning_rate * _schedule(step / total)
                with self._mixed():
                    loss, answer_loss = self._loss(
                        self.materials[name].question, items, step / total
                    )
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
                self.optimizer.step()
                step += 1
                if step % AVERAGING_STEPS == 0:
                    self._average(step // AVERAGING_STEPS)
                running[name].append(answer_loss)
                if step % 100 == 0:
                    recent = {
                        k: round(sum(v[-40:]) / len(v[-40:]), 3) for k, v in running.items() if v
                    }
                    say(f"{step}/{total} {(time.monotonic() - start) / 60:.1f} min {recent}")
            accuracy = {name: self._accuracy(name) for name in self.materials}
            score = sum(accuracy[name] for name in ("theme", "sentiment", "negation")) / 3
            if score > best_score:
                best, best_score = copy.deepcopy(self.averaged), score
            say(
                json.dumps(
                    {
                        "epoch": epoch,
                        "minutes": round((time.monotonic() - start) / 60, 1),
                        "loss": {k: round(sum(v) / max(1, len(v)), 3) for k, v in running.items()},
                        "validation": {k: round(v, 4) for k, v in accuracy.items()},
                    }
                )
            )
        return best

    def _plan(self) -> Iterator[tuple[str, list[TrainingItem]]]:
        """Lay out one epoch: batches of one variable and of like length, in random order."""
        batches: list[tuple[str, list[TrainingItem]]] = []
        size = self.spec.batch_items
        for name, material in self.materials.items():
            wanted = round(VISITS[name] * len(material.train))
            items: list[TrainingItem] = []
            while len(items) < wanted:
                again = list(material.train)
                self.random.shuffle(again)
                items += again[: wanted - len(items)]
            pool = 40 * size
            for start in range(0, len(items), pool):
                near = sorted(items[start : start + pool], key=lambda item: len(item.tokens))
                batches += [(name, near[i : i + size]) for i in range(0, len(near), size)]
        self.random.shuffle(batches)
        yield from batches

    def _loss(
        self, question: Question, items: list[TrainingItem], done: float
    ) -> tuple[Tensor, float]:
        # Variant 0 is the codebook as it is.
        variant = 0
        if self.random.random() < VARIANT_SHARE:
            variant = self.random.randrange(1, len(question.prefixes))
        prefix = question.prefixes[variant]
        full = len(prefix)
        if self.random.random() > done / SHORT_UNTIL:
            prefix = question.short
        sequences = [
            [*item.tokens, *question.suffix, *question.answers[item.category], self._turn_end()]
            for item in items
        ]
        clean = _padded(sequences)
        lengths = torch.tensor([len(item.tokens) for item in items])[:, None]
        is_item = torch.arange(clean.shape[1])[None] < lengths
        noise = is_item & (torch.rand(clean.shape) < WORD_NOISE)
        noisy = torch.where(noise, torch.randint(0, self.spec.vocabulary_size, clean.shape), clean)
        shift = full - len(prefix)
        if self.spec.architecture == "gpt2" and self.random.random() < SHIFT_SHARE:
            shift = self.random.randrange(self.spec.context_tokens - len(prefix) - clean.shape[1])
        hidden = self.decoder(
            torch.tensor(prefix, device=self.device), noisy.to(self.device), shift=shift
        )
        answer, told = self._answer_loss(question, items, hidden)
        chosen = is_item[:, 1:] & (torch.rand(clean[:, 1:].shape) < LANGUAGE_SHARE)
        if not bool(chosen.any()):
            return answer, told
        chosen = chosen.to(self.device)
        language = functional.cross_entropy(
            self.decoder.logits(hidden[:, :-1][chosen]).float(),
            clean.to(self.device)[:, 1:][chosen],
        )
        return answer + LANGUAGE_WEIGHT * language, told

    def _answer_loss(
        self, question: Question, items: list[TrainingItem], hidden: Tensor
    ) -> tuple[Tensor, float]:
        """Return the loss on the answers, and its part that is about the category.

        The loss has two parts: the category, among the categories and smoothed over them; and
        the tokens of the answer and the end of the turn, among all tokens. With equal weights
        the second drowns the first: the model learns the format and stays at the majority.
        """
        rows, columns, targets, firsts = [], [], [], []
        for row, item in enumerate(items):
            answer = [*question.answers[item.category], self._turn_end()]
            start = len(item.tokens) + len(question.suffix) - 1
            for offset, token in enumerate(answer):
                rows.append(row)
                columns.append(start + offset)
                targets.append(token)
                firsts.append(offset == 0)
        logits = self.decoder.logits(hidden[rows, columns]).float()
        target = torch.tensor(targets, device=self.device)
        tokens = functional.cross_entropy(logits, target, reduction="sum") / len(items)
        category = functional.cross_entropy(
            logits[torch.tensor(firsts, device=self.device)][:, first_tokens(question)],
            torch.tensor([item.category for item in items], device=self.device),
            label_smoothing=SMOOTHING,
        )
        return category + TOKEN_WEIGHT * tokens, float(category.detach())

    def _mixed(self) -> torch.autocast:
        # Matrix products in bfloat16: half the time on a processor that has it.
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _turn_end(self) -> int:
        return self.spec.special_tokens.index(self.spec.end_of_turn)

    def _average(self, step: int) -> None:
        keep = min(AVERAGING, step / (step + 10))
        with torch.no_grad():
            for old, new in zip(self.averaged.parameters(), self.decoder.parameters(), strict=True):
                old.lerp_(new, 1 - keep)

    def _accuracy(self, name: str) -> float:
        """Return the share of validation items whose most probable category is gold."""
        material = self.materials[name]
        question = material.question
        prefix = torch.tensor(question.prefixes[0], device=self.device)
        first = first_tokens(question)
        right = 0
        items = sorted(material.validation[:VALIDATION_ITEMS], key=lambda item: len(item.tokens))
        with torch.no_grad(), self._mixed():
            for start in range(0, len(items), 64):
                batch = items[start : start + 64]
                ids = _padded([[*item.tokens, *question.suffix] for item in batch])
                hidden = self.averaged(prefix, ids.to(self.device))
                last = [len(item.tokens) + len(question.suffix) - 1 for item in batch]
                logits = self.averaged.logits(hidden[list(range(len(batch))), last])
                chosen = logits[:, first].argmax(dim=1).tolist()
                right += sum(
                    category == item.category for category, item in zip(chosen, batch, strict=True)
                )
        return right / len(items)


def _padded(sequences: Sequence[Sequence[int]]) -> Tensor:
    width = max(map(len, sequences))
    return torch.tensor([[*ids, *([0] * (width - len(ids)))] for ids in sequences])


def _schedule(done: float) -> float:
    """Warm up, then fall along a cosine to a twentieth."""
    if done < WARMUP:
        return done / WARMUP
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


def say(line: str) -> None:
    """Write one line of the training log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
