#!/usr/bin/env bash
# Scores 100,000 rows of 20 features (a tenth of the values missing) by 200
# trees of depth 6, with XGBoost's inplace_predict and with models/gbtree, one
# thread each and in turns. Prints seconds of CPU, the ratio and the largest
# difference of a probability.
#
# XGBoost is timed on the Arrow table and on a NumPy matrix, and the faster of
# the two counts.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${LEADLAKE_XGBOOST_PYTHON:-.tools/venv-xgboost/bin/python}
if ! "$python" -c 'import xgboost' 2>/dev/null; then
	echo "error: $python cannot import xgboost" >&2
	echo "fix:   run make deps, or set LEADLAKE_XGBOOST_PYTHON" >&2
	exit 1
fi
if ! "$python" -c 'import pyarrow' 2>/dev/null; then
	echo "installing pyarrow ..." >&2
	"$python" -m pip install -q --disable-pip-version-check pyarrow==26.0.1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/ours" ./models/gbtree/internal/scorebench
"$python" scripts/bench_score.py make "$work"
for _ in 1 2 3; do
	OMP_NUM_THREADS=1 "$python" scripts/bench_score.py time "$work" >>"$work/times"
	GOMAXPROCS=1 "$work/ours" "$work" >>"$work/times"
done

median() { # median KIND
	awk -v kind="$1" '$1 == kind { print $2 }' "$work/times" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

read -r load _ </proc/loadavg
echo "$("$python" -c 'import xgboost; print("XGBoost", xgboost.__version__)'), 100,000 rows, 20 features, 200 trees of depth 6, one thread, load $load"
awk -v arrow="$(median arrow)" -v matrix="$(median matrix)" -v ours="$(median ours)" -v difference="$(median difference)" \
	-v explain="$(median explain)" -v explained="$(median explained)" '
	BEGIN {
		best = arrow < matrix ? arrow : matrix
		printf "inplace_predict  %.3f s on Arrow, %.3f s on a matrix\n", arrow, matrix
		printf "leadlake         %.3f s on Arrow\n", ours
		printf "ratio            %.1f times as fast; largest difference %.1e\n", best / ours, difference
		printf "contributions    XGBoost %.3f ms a row, leadlake %.3f ms, %.0f times as fast\n", explain, explained, explain / explained
		exit !(best / ours >= 2 && difference < 1e-6)
	}'
