#!/usr/bin/env bash
# Measures how fast rows land: those of pages that providers give, and those of
# a list, beside Sling. Needs LEADLAKE_TESTDATA and about 3 GB of disk. What
# else the machine does at that time shows in the figures; it is printed first.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS--tags=duckdb_arrow -buildvcs=false}
leadlake=${LEADLAKE:-bin/leadlake}
venues=${LEADLAKE_TESTDATA:-}/wof/us_venues.parquet
if [ ! -f "$venues" ]; then
	echo "error: there is no $venues" >&2
	echo "fix:   set LEADLAKE_TESTDATA to the folder that holds wof/" >&2
	exit 1
fi
failed=0

# Sling's own package of 1.6.5 has no program in it, it fetches one from GitHub.
# This is the last package that has. SLING_BINARY names another.
tools=$PWD/.tools/sling
if [ -z "${SLING_BINARY:-}" ]; then
	SLING_BINARY=$tools/lib/sling
	if [ ! -e "$tools/.ready-1.4.11" ]; then
		python3 -m venv "$tools"
		"$tools/bin/pip" install -q --disable-pip-version-check sling-linux-amd64==1.4.11 duckdb==1.5.5
		ln -sf "$("$tools/bin/python" -c 'import sling_linux_amd64 as s; print(list(s.__path__)[0])')/bin/sling-linux-amd64" "$SLING_BINARY"
		touch "$tools/.ready-1.4.11"
	fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Sling writes Parquet itself here: with DuckDB's program, which it would fetch,
# it took as long (25 s against 24 s).
export SLING_HOME_DIR=$work/sling SLING_DISABLE_TELEMETRY=true SLING_DUCKDB_COMPUTE=false

seconds() { # seconds COMMAND...: how long it takes
	local begin end
	begin=$(date +%s.%N)
	"$@" >"$work/out" 2>&1 || {
		cat "$work/out" >&2
		return 1
	}
	end=$(date +%s.%N)
	awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.2f", b - a }'
}

best() { # best SECONDS SECONDS
	awk -v a="$1" -v b="$2" 'BEGIN { print (a < b) ? a : b }'
}

# at_least WHAT FIGURE UNIT LIMIT
at_least() {
	awk -v what="$1" -v n="$2" -v unit="$3" -v limit="$4" \
		'BEGIN { printf "%-44s %10.2f %-6s limit %10.2f  %s\n", what, n, unit, limit, (n >= limit) ? "ok" : "BELOW"; exit (n < limit) }' || failed=1
}

read -r load _ </proc/loadavg
echo "$(nproc) cores, load $load"

go test ./ingest -run xxx -bench 'Landing|Enrich' -benchtime 3x | tee "$work/bench" | grep -E '^Benchmark(Landing|Enrich)' >&2
at_least "pages of 1,000 rows, landed" "$(awk '/^BenchmarkLanding/ { print $(NF - 1) }' "$work/bench")" rows/s 100000

csv=$work/venues.csv
"$tools/bin/python" -c 'import duckdb, sys; print(duckdb.sql(f"copy (from read_parquet({sys.argv[1]!r})) to {sys.argv[2]!r} (header)"))' "$venues" "$csv" >/dev/null
cat >"$work/venues.yaml" <<-'END'
	name: Venues
	vertical: other
	geo: {country: US}
	sources: [{source: list, name: wof}]
END

ours() { # ours N: into a fresh home
	rm -rf "$work/home"
	seconds "$leadlake" --home "$work/home" ingest "$work/venues.yaml" --input "wof=$csv"
}
theirs() {
	rm -f "$work/venues.parquet"
	seconds "$SLING_BINARY" run --src-stream "file://$csv" --tgt-object "file://$work/venues.parquet"
}
# In turns, so that neither has the quieter machine.
a1=$(ours) b1=$(theirs) a2=$(ours) b2=$(theirs)
a=$(best "$a1" "$a2") b=$(best "$b1" "$b2")
printf 'a CSV of 1.65 million rows, %s MiB: leadlake %s and %s s, Sling %s and %s s\n' "$(($(stat -c %s "$csv") >> 20))" "$a1" "$a2" "$b1" "$b2"
at_least "leadlake beside Sling" "$(awk -v a="$a" -v b="$b" 'BEGIN { print b / a }')" times 2
exit "$failed"
