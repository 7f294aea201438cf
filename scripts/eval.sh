#!/usr/bin/env bash
# Resolves every labelled set below $LEADLAKE_TESTDATA/er, first by the model
# that leadlake ships, which has seen them, then by models trained on the other
# sets: the second table is what to expect of data like none of them.
#
#   eval.sh           both tables
#   PEERS=1 eval.sh   and Splink's F1 beside ours, by $LEADLAKE_PEERS/splink_sets.py
#
# A set whose pairs hold no non-match is complete. ACROSS names the sets of
# which only pairs of two sources count.
set -euo pipefail
cd "$(dirname "$0")/.."
leadlake=${LEADLAKE:-bin/leadlake}
data=${LEADLAKE_TESTDATA:-}
across=${ACROSS-fodors_zagats}
if [ ! -d "$data/er" ]; then
	echo "error: there are no sets in '$data/er'" >&2
	echo "fix:   set LEADLAKE_TESTDATA to the folder that holds er/" >&2
	exit 1
fi
sets=()
for pairs in "$data"/er/*/pairs.parquet; do
	[ -e "$pairs" ] && sets+=("$(dirname "$pairs")")
done
if [ "${#sets[@]}" = 0 ]; then
	echo "error: no folder below $data/er has a pairs.parquet" >&2
	echo "fix:   set LEADLAKE_TESTDATA to the folder that holds er/" >&2
	exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${PEERS:-}" ]; then
	"$leadlake" eval sets "${sets[@]}" --across "$across" --shipped
	echo
	if [ "${#sets[@]}" -gt 1 ]; then "$leadlake" eval sets "${sets[@]}" --across "$across"; fi
	exit
fi

. scripts/peers.sh
judge() { # judge FILE FLAGS...: leadlake tells its errors in its JSON
	local file=$1
	shift
	"$leadlake" --json eval sets "${sets[@]}" --across "$across" "$@" >"$file" || {
		cat "$file" >&2
		exit 1
	}
}
judge "$work/shipped.json" --shipped
echo '[]' >"$work/others.json"
if [ "${#sets[@]}" -gt 1 ]; then judge "$work/others.json"; fi
"$python" "$peers/splink_sets.py" "$data/er" --threads "$(nproc)" --json "$work/splink.json" >&2
"$python" scripts/eval_peers.py "$work/shipped.json" "$work/others.json" "$work/splink.json" "$across"
