"""XGBoost's side of bench_score.sh.

  bench_score.py make FOLDER    trains the model and writes it with the rows
  bench_score.py time FOLDER    prints seconds of CPU, a line each: KIND SECONDS
"""

import os
import sys
import time

import numpy as np
import pyarrow as pa
import xgboost as xgb

ROWS, FEATURES, TREES, DEPTH = 100_000, 20, 200, 6
EXPLAINED = 1_000
what, folder = sys.argv[1:]
model_file, rows_file = os.path.join(folder, "model.ubj"), os.path.join(folder, "rows.arrow")
names = [f"f{i}" for i in range(FEATURES)]

if what == "make":
    random = np.random.default_rng(1)
    x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    x[random.random(x.shape) < 0.1] = np.nan
    filled = np.nan_to_num(x)
    signal = filled[:, 0] * filled[:, 1] + np.sin(2 * filled[:, 2]) + filled[:, 3:8].sum(axis=1) / 3
    label = signal + 0.5 * random.normal(size=ROWS) > 0
    data = xgb.DMatrix(x, label=label.astype(np.float32), feature_names=names)
    params = {"objective": "binary:logistic", "max_depth": DEPTH, "tree_method": "hist", "seed": 1, "nthread": 2}
    xgb.train(params, data, TREES).save_model(model_file)
    table = pa.table({name: pa.array(x[:, i], from_pandas=True) for i, name in enumerate(names)})
    with pa.ipc.new_file(rows_file, table.schema) as out:
        out.write_table(table)
    sys.exit()

model = xgb.Booster(model_file=model_file)
model.set_param({"nthread": 1})
table = pa.ipc.open_file(rows_file).read_all()
matrix = np.column_stack([table[name].to_numpy() for name in names])


def timed(kind, predict, repeats):
    for _ in range(repeats):
        begin = time.process_time()
        result = predict()
        print(kind, time.process_time() - begin)
    return result


timed("arrow", lambda: model.inplace_predict(table), 5)
predictions = timed("matrix", lambda: model.inplace_predict(matrix), 5)
predictions.astype("<f4").tofile(os.path.join(folder, "predictions"))
some = xgb.DMatrix(matrix[:EXPLAINED], feature_names=names, nthread=1)
timed("explain", lambda: model.predict(some, pred_contribs=True), 1)
