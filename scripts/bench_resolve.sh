#!/usr/bin/env bash
# Resolves one file by leadlake and by Splink, one after the other, and prints
# what each took and found. Ratios are ours to theirs.
#
#   bench_resolve.sh wof            1.65 million US businesses, from LEADLAKE_TESTDATA
#   bench_resolve.sh synthetic N    N made-up records whose truth is known
#   bench_resolve.sh growth N       leadlake alone on N / 10 and on N of them
#
# PEERS=0 leaves Splink out of the first two, MEMORY is leadlake's --memory.
#
# Our seconds are those of the whole command, from reading the file to writing
# the clusters. Splink's are those of its own clock from reading to the first
# clustering: neither Python's start nor the scoring counts. Our memory is the
# whole process's; Splink's is taken when its clusters are there, before more
# thresholds are tried. Both use THREADS threads (2, as the peers' programs do).
set -euo pipefail
cd "$(dirname "$0")/.."
leadlake=${LEADLAKE:-bin/leadlake}
threads=${THREADS:-2}
what=${1:-wof}
if [ "$what" = growth ]; then n=${2:-10000000}; else n=${2:-1000000}; fi
usage() {
	echo "error: $1" >&2
	echo "fix:   bench_resolve.sh wof, bench_resolve.sh synthetic N, or bench_resolve.sh growth N" >&2
	exit 2
}
case $what in
wof)
	data=${LEADLAKE_TESTDATA:-}/wof
	[ -f "$data/us_venues.parquet" ] || usage "there is no $data/us_venues.parquet; set LEADLAKE_TESTDATA to the folder that holds wof/"
	# splink_wof.py has its threads written into it.
	[ "$threads" = 2 ] || usage "wof is measured with 2 threads, not $threads"
	;;
synthetic | growth) [[ $n =~ ^[1-9][0-9]+$ ]] || usage "$n is no number of records of at least 10" ;;
*) usage "there is no benchmark $what" ;;
esac
if [ "${PEERS:-1}" != 0 ] && [ "$what" != growth ]; then . scripts/peers.sh; fi
work=$(mktemp -d)
peer_pid=
trap 'if [ -n "$peer_pid" ]; then kill "$peer_pid" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

number() { # number KEY < JSON
	sed -n "s/^  \"$1\": \([0-9.]*\),\{0,1\}$/\1/p"
}

# peer UNTIL PROGRAM ARGUMENTS...: runs a peer, and leaves the peak MiB that it
# had when it printed a line that begins with UNTIL in $peer_mib.
peer() {
	local until=$1 line
	shift
	mkfifo "$work/lines"
	"$python" "$@" >"$work/lines" 2>"$work/peer.err" &
	peer_pid=$!
	peer_mib=
	: >"$work/peer.out"
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$work/peer.out"
		echo "splink   $line" >&2
		if [ -z "$peer_mib" ] && [[ $line == "$until"* ]]; then
			peer_mib=$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$peer_pid/status" || true)
		fi
	done <"$work/lines"
	if ! wait "$peer_pid"; then
		cat "$work/peer.err" >&2
		exit 1
	fi
	peer_pid=
}

# leads COMMAND...: leadlake's answer into ours.json; it tells its errors there, too.
leads() {
	"$leadlake" --json --threads "$threads" ${MEMORY:+--memory "$MEMORY"} "$@" >"$work/ours.json" || {
		cat "$work/ours.json" >&2
		exit 1
	}
}

ours() { # ours RECORDS: leaves $our_s and $our_mib, and the clusters
	local begin end
	begin=$(date +%s.%N)
	leads resolve --records "$1" --out "$work/clusters.parquet"
	end=$(date +%s.%N)
	our_s=$(awk -v a="$begin" -v b="$end" 'BEGIN { print b - a }')
	our_mib=$(number peak_mib <"$work/ours.json")
	echo "leadlake $our_s s, $our_mib MiB" >&2 # lest a peer that dies hides it
}

# alone RECORDS TRUTH...: leadlake without a peer; leaves $our_s.
alone() {
	local key value line=
	leads eval resolve --records "$@"
	for key in records pairs_compared seconds peak_mib precision recall f1 b_cubed_f1 blocking_recall; do
		value=$(number "$key" <"$work/ours.json")
		[[ $value != *.* ]] || value=$(printf '%.4f' "$value")
		[ -z "$value" ] || line+="$key $value, "
	done
	echo "${line%, }"
	our_s=$(number seconds <"$work/ours.json")
}

synthesise() { # synthesise N FILE
	go run ./internal/bizgen -n "$1" -out "$2" >&2
}

query() { # query SQL: the first row, with spaces between
	"$python" -c 'import duckdb, sys; print(*duckdb.execute(sys.argv[1]).fetchone())' "$1"
}

beside() { # beside WHAT OURS THEIRS FORMAT
	awk -v what="$1" -v a="$2" -v b="$3" -v f="$4" \
		'BEGIN { printf "%-16s leadlake " f "  splink " f "  ratio %.3f\n", what, a, b, a / b }'
}

read -r load _ </proc/loadavg
echo "$(nproc) cores, $threads threads, load $load"

if [ "$what" = growth ]; then
	synthesise "$((n / 10))" "$work/tenth.parquet"
	alone "$work/tenth.parquet" --truth-id
	tenth_s=$our_s
	rm "$work/tenth.parquet"
	synthesise "$n" "$work/all.parquet"
	alone "$work/all.parquet" --truth-id
	awk -v a="$our_s" -v b="$tenth_s" 'BEGIN { printf "ten times the records take %.1f times the seconds\n", a / b }'
	exit
fi
if [ "${PEERS:-1}" = 0 ]; then
	if [ "$what" = wof ]; then
		alone "$data/us_venues.parquet" --pairs "$data/silver_pairs.parquet" --positives
	else
		synthesise "$n" "$work/made.parquet"
		alone "$work/made.parquet" --truth-id
	fi
	exit
fi

if [ "$what" = wof ]; then
	ours "$data/us_venues.parquet"
	peer cluster "$peers/splink_wof.py" "$data/us_venues.parquet" "$data/silver_pairs.parquet"
	their_s=$(sed -n 's/^cluster s .* total s \([0-9.]*\) .*/\1/p' "$work/peer.out")
	our_recall=$(query "
		with record as (select source || ' ' || source_key as key, cluster_id from read_parquet('$work/clusters.parquet'))
		select avg(cast(l.cluster_id = r.cluster_id as integer))
		from read_parquet('$data/silver_pairs.parquet') as p
		inner join record as l on l.key = left_source || ' ' || left_key
		inner join record as r on r.key = right_source || ' ' || right_key")
	their_recall=$(sed -n 's/^silver recall \([0-9.]*\)$/\1/p' "$work/peer.out")
else
	made=$work/made.parquet shaped=$work/shaped.parquet
	if [ "$n" -le 1000000 ]; then
		"$python" "$peers/gen_biz.py" "$n" "$made"
		query "copy (
			select
				source, cast(record_id as varchar) as source_key, name, street, city, region, postcode as postal,
				'US' as country, lat, lon, phone, domain as website, truth_id,
			from read_parquet('$made')
		) to '$shaped' (format parquet, compression zstd)" >/dev/null
	else
		synthesise "$n" "$shaped"
		query "copy (
			select
				cast(source_key as bigint) as record_id, source, name, street, city, region, postal as postcode,
				phone, website as domain, lat, lon, truth_id,
			from read_parquet('$shaped')
		) to '$made' (format parquet, compression zstd)" >/dev/null
	fi
	ours "$shaped"
	# It scores its clusters at 0.5 first.
	peer '0.5 ' "$peers/splink_peer.py" "$made" --threads "$threads" --json "$work/peer.json"
	# Precision, recall and F1 of our clusters, as splink_peer.py has them.
	read -r our_precision our_recall our_f1 <<<"$(query "
		with record as (
			select c.cluster_id, t.truth_id
			from read_parquet('$work/clusters.parquet') as c
			inner join read_parquet('$shaped') as t on t.source = c.source and t.source_key = c.source_key
		),
		pairs as (
			select
				(select sum(n * (n - 1)) from (select count(*) as n from record group by cluster_id, truth_id)) as found,
				(select sum(n * (n - 1)) from (select count(*) as n from record group by cluster_id)) as predicted,
				(select sum(n * (n - 1)) from (select count(*) as n from record group by truth_id)) as matches,
		)
		select found / predicted, found / matches, 2 * found / (predicted + matches) from pairs")"
	read -r their_s their_precision their_recall their_f1 best_f1 best_at <<<"$("$python" -c '
import json, sys
result = json.load(open(sys.argv[1]))
by = result["thresholds"]
habit, best = by["0.9"], max(by, key=lambda at: by[at]["f1"])
print(result["total_s_one_threshold"], habit["precision"], habit["recall"], habit["f1"], by[best]["f1"], best)' "$work/peer.json")"
fi

echo "records          $(number records <"$work/ours.json")"
beside seconds "$our_s" "$their_s" '%10.1f'
beside 'peak MiB' "$our_mib" "$peer_mib" '%10.0f'
if [ "$what" = wof ]; then
	beside 'silver recall' "$our_recall" "$their_recall" '%10.4f'
else
	beside precision "$our_precision" "$their_precision" '%10.4f'
	beside recall "$our_recall" "$their_recall" '%10.4f'
	beside F1 "$our_f1" "$their_f1" '%10.4f'
	echo "Splink's clusters are those at probability .90; at its best threshold on the truth, $best_at, F1 is $best_f1"
fi
