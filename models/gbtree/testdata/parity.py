"""Trains models of many kinds by the real XGBoost and writes, for each, its
file, rows, predictions and contributions into the folder given. Arrays are
plain little-endian float32; models.json lists what is there."""

import json
import os
import sys

import numpy as np
import xgboost as xgb

ROWS, FEATURES, EXPLAINED = 600, 8, 40
folder = sys.argv[1]
random = np.random.default_rng(3)
x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
x[:, 2] = np.round(x[:, 2])  # ties, and both zeros
x[:, 3] = random.integers(0, 12, ROWS)  # a category where a model says so
x[random.random(x.shape) < 0.1] = np.nan
x[0], x[1] = np.nan, 0.0
x[2, 2] = -0.0
filled = np.nan_to_num(x)
signal = filled[:, 0] * filled[:, 1] + np.sin(2 * filled[:, 2]) + (filled[:, 3] % 3 - 1) * 0.4 + filled[:, 4]
noisy = signal + 0.7 * random.normal(size=ROWS)
labels = {
    "binary:logistic": noisy > 0.5,
    "binary:logitraw": noisy > 0.5,
    "reg:logistic": 1 / (1 + np.exp(-noisy)),
    "reg:squarederror": noisy,
    "count:poisson": random.poisson(np.exp(np.clip(signal, -3, 2) / 2)),
    "multi:softprob": np.digitize(noisy, [-0.5, 0.8]),
    "rank:pairwise": np.digitize(noisy, [-1, 0, 1]),
}
SIZES = {"small": (10, 3), "medium": (60, 6), "large": (100, 8)}


def jobs():
    for objective in labels:
        for size, (rounds, depth) in SIZES.items():
            if size == "medium" or objective not in ("binary:logitraw", "reg:logistic"):
                yield f"{objective} {size}", objective, rounds, {"max_depth": depth}
    yield "categories one by one", "binary:logistic", 20, {"max_depth": 5, "max_cat_to_onehot": 100}
    yield "categories in sets", "binary:logistic", 20, {"max_depth": 5, "max_cat_to_onehot": 1}
    yield "dart", "binary:logistic", 20, {"booster": "dart", "rate_drop": 0.3, "max_depth": 4}
    yield "deeper than a word", "reg:squarederror", 10, {"max_depth": 12, "min_child_weight": 0.1}
    yield "no split", "binary:logistic", 3, {"gamma": 1e9}
    yield "a forest", "binary:logistic", 3, {"num_parallel_tree": 5, "subsample": 0.6, "max_depth": 4}


written = []
for number, (name, objective, rounds, extra) in enumerate(jobs()):
    params = {"objective": objective, "seed": 1, "nthread": 1, "tree_method": "hist", "eta": 0.2, **extra}
    if objective == "multi:softprob":
        params["num_class"] = 3
    types = ["c" if name.startswith("categories") and f == 3 else "q" for f in range(FEATURES)]
    names = [f"feature {f}" for f in range(FEATURES)]
    data = xgb.DMatrix(
        x, label=labels[objective].astype(np.float32), feature_names=names, feature_types=types, enable_categorical=True
    )
    if objective.startswith("rank:"):
        data.set_group([60] * (ROWS // 60))
    model = xgb.train(params, data, rounds)
    file = f"{number}.{'ubj' if number % 2 else 'json'}"
    model.save_model(os.path.join(folder, file))
    explained = xgb.DMatrix(x[:EXPLAINED], feature_names=names, feature_types=types, enable_categorical=True)
    for kind, values in {
        "predictions": model.predict(data),
        "margins": model.predict(data, output_margin=True),
        "contributions": model.predict(explained, pred_contribs=True),
    }.items():
        values.astype("<f4").tofile(os.path.join(folder, f"{number}.{kind}"))
    written.append({"name": name, "objective": objective, "file": file, "number": number})
x.astype("<f4").tofile(os.path.join(folder, "x"))
with open(os.path.join(folder, "models.json"), "w", encoding="utf-8") as out:
    json.dump({"models": written, "version": xgb.__version__}, out)
