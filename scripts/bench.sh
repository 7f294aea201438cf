#!/usr/bin/env bash
# Measures the whole job on real data and prints each figure against its limit.
# Needs LEADLAKE_TESTDATA and about 10 GB of disk; takes about ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${LEADLAKE_TESTDATA:-}
if [ ! -d "$data/wof" ]; then
	echo "error: there is no data in '$data'" >&2
	echo "fix:   set LEADLAKE_TESTDATA to the folder that holds wof/, inputs/ and er/" >&2
	exit 1
fi
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait; rm -rf "$work"' EXIT

number() { # number KEY < JSON
	sed -n "s/^  \"$1\": \([0-9.]*\),\{0,1\}$/\1/p"
}

against() { # against WHAT FIGURE UNIT LIMIT
	awk -v what="$1" -v n="$2" -v unit="$3" -v limit="$4" \
		'BEGIN { printf "%-42s %10.2f %-4s limit %8.2f  ratio %.3f  %s\n", what, n, unit, limit, n / limit, n <= limit ? "ok" : "OVER" }'
}

bin/leadlake --home "$work/lr" --json run examples/little_rock.yaml --input "wof=$data/wof/us_venues.parquet" \
	--input "licenses=$data/inputs/little_rock_Business_Licenses.csv" >"$work/lr.json"
against "Little Rock, two lists" "$(number seconds <"$work/lr.json")" s 60

cat >"$work/venues.yaml" <<-'END'
	name: Venues
	vertical: other
	geo: {country: US}
	sources: [{source: list, name: wof}]
END
bin/leadlake --home "$work/wof" --json run "$work/venues.yaml" --input "wof=$data/wof/us_venues.parquet" >"$work/wof.json"
against "1.65 million venues" "$(number seconds <"$work/wof.json")" s 240
against "1.65 million venues, memory" "$(number peak_mib <"$work/wof.json")" MiB 6144

for set in "$data"/er/*/; do
	name=$(basename "$set")
	flags=()
	case $name in
	fodors_zagats) flags=(--complete --across) ;;
	chicago_early_childhood | orgs_hard) flags=(--complete) ;;
	esac
	bin/leadlake --json eval resolve --records "$set/records.parquet" --pairs "$set/pairs.parquet" "${flags[@]}" >"$work/er.json"
	printf '%-42s F1 %.4f (precision %.4f, recall %.4f)\n' "$name" \
		"$(number f1 <"$work/er.json")" "$(number precision <"$work/er.json")" "$(number recall <"$work/er.json")"
done

bin/leadlake --home "$work/wof" serve --addr 127.0.0.1:18080 2>"$work/serve.log" &
server=$!
go build -o "$work/loadtest" ./serve/api/loadtest
for _ in $(seq 300); do
	curl -sf http://127.0.0.1:18080/readyz >/dev/null && break
	sleep 1
done
"$work/loadtest" --url http://127.0.0.1:18080 --rate 100 --seconds 30
