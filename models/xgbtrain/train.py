"""Trains one XGBoost model; leadlake's xgbtrain runs it.

The argument is a folder with job.json and the arrays x.npy, y.npy and, where
there are weights, w.npy. What is left there: model.ubj, predictions.npy (of the
validation rows, else of all) and result.json.
"""

import json
import os
import sys

MISSING = 3  # exit status: no usable xgboost

try:
    import numpy as np
    import xgboost as xgb
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(MISSING)
if int(xgb.__version__.split(".")[0]) not in (2, 3):
    print(f"xgboost is {xgb.__version__}, want 2 or 3", file=sys.stderr)
    sys.exit(MISSING)


def main(folder):
    def path(name):
        return os.path.join(folder, name)

    with open(path("job.json"), encoding="utf-8") as file:
        job = json.load(file)
    x, y = np.load(path("x.npy")), np.load(path("y.npy"))
    w = np.load(path("w.npy")) if job["weighted"] else None
    groups = job["groups"]
    train = len(y) - job["valid_rows"]

    def matrix(first, last):
        data = xgb.DMatrix(x[first:last], label=y[first:last], nthread=job["params"]["nthread"])
        if groups:
            ends = np.cumsum(groups)
            data.set_group([n for n, end in zip(groups, ends) if first < end <= last])
        if w is not None:
            data.set_weight(w[first:last])
        return data

    parts = [(matrix(0, train), "train")]
    if train < len(y):
        parts.append((matrix(train, len(y)), "valid"))
    history = {}
    model = xgb.train(
        job["params"],
        parts[0][0],
        job["rounds"],
        evals=parts,
        evals_result=history,
        early_stopping_rounds=job["early_stopping"] or None,
        verbose_eval=False,
    )
    rounds = model.num_boosted_rounds()
    if job["early_stopping"]:
        # Rounds after the best one are cut off, so that every reader agrees.
        rounds = model.best_iteration + 1
        model = model[:rounds]
    np.save(path("predictions.npy"), model.predict(parts[-1][0]).astype(np.float32))
    # Set at the end, because a DMatrix refuses names with brackets or "<",
    # which a category may have.
    model.feature_names = job["features"]
    model.save_model(path("model.ubj"))
    metrics = {
        f"{part}_{metric}": values[rounds - 1]
        for part, by in history.items()
        for metric, values in by.items()
    }
    with open(path("result.json"), "w", encoding="utf-8") as file:
        json.dump({"rounds": rounds, "metrics": metrics, "version": xgb.__version__}, file)


try:
    main(sys.argv[1])
except xgb.core.XGBoostError as error:
    # The first line has the reason; a C++ stack follows.
    print(str(error).strip().splitlines()[0], file=sys.stderr)
    sys.exit(1)
