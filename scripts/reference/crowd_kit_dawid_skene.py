"""Fit crowd-kit's Dawid-Skene models, for comparison with ours.

Reads JSON from standard input: ``labels`` (item, rater, category), ``items``,
``categories``, ``iterations``; writes the posteriors of both models. Needs crowd-kit,
which is not a dependency of localensemble: run it with a Python that has it, for example

    python -m venv /tmp/crowd-kit && /tmp/crowd-kit/bin/pip install crowd-kit
    LOCALENSEMBLE_CROWD_KIT_PYTHON=/tmp/crowd-kit/bin/python scripts/test tests/consensus
"""

import json
import sys

import pandas as pd
from crowdkit.aggregation.classification.dawid_skene import DawidSkene, OneCoinDawidSkene

MODELS = {"dawid_skene": DawidSkene, "one_coin_dawid_skene": OneCoinDawidSkene}

given = json.load(sys.stdin)
labels = pd.DataFrame(given["labels"], columns=["task", "worker", "label"])
posteriors = {}
for name, model in MODELS.items():
    # No step can meet this tolerance, so both sides do the same number of iterations.
    found = model(n_iter=given["iterations"], tol=-1e9).fit_predict_proba(labels)
    found = found.reindex(index=given["items"], columns=given["categories"]).fillna(0.0)
    posteriors[name] = found.to_numpy().tolist()
json.dump(posteriors, sys.stdout)
