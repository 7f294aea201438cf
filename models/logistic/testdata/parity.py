"""Trains scikit-learn's logistic regression as package logistic does.

Arguments: folder, columns, training rows. The folder has x.bin (float32, row by
row, NaN for missing, the rows to test on last) and y.bin (bytes 0 and 1). Prints
the weights, the intercept and the margins' AUC on the rows to test on.
"""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

folder, width, train = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
y = np.fromfile(folder + "/y.bin", dtype=np.uint8)
x = np.fromfile(folder + "/x.bin", dtype=np.float32).reshape(len(y), width).astype(np.float64)
columns, is_missing = [], []
for c in range(width):
    v, missing = x[:, c], np.isnan(x[:, c])
    known = v[:train][~missing[:train]]
    mean, deviation = (known.mean(), known.std()) if len(known) else (0.0, 0.0)
    if deviation > 1e-12 * abs(mean):
        columns.append(np.where(missing, 0, (v - mean) / deviation))
        is_missing.append((c, False))
    n = missing[:train].sum()
    if n >= 20 and train - n >= 20:
        columns.append(missing.astype(float))
        is_missing.append((c, True))
z = np.column_stack(columns)
m = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(z[:train], y[:train])
weights, gaps = [0.0] * width, [0.0] * width
for (c, gap), w in zip(is_missing, m.coef_[0]):
    (gaps if gap else weights)[c] = w
rest = slice(train, None) if train < len(y) else slice(0, None)
print(json.dumps({
    "weights": weights, "missing": gaps, "intercept": m.intercept_[0],
    "auc": roc_auc_score(y[rest], m.decision_function(z[rest])),
}))
