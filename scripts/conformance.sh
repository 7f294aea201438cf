#!/usr/bin/env bash
# Runs the vendors' own and other independent clients against the sandbox, one
# line a client. What they need is installed below .tools/conformance, and again
# when a version changes. Words given as arguments narrow it: conformance.sh yelpapi
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS--tags=duckdb_arrow -buildvcs=false}

tests=$PWD/test/conformance
home=$PWD/.tools/conformance
tmp=$(mktemp -d)
sandbox=

stop() {
	if [ -n "$sandbox" ]; then
		kill "$sandbox" 2>/dev/null || true
		wait "$sandbox" 2>/dev/null || true
	fi
	rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT TERM

need() { # need PROGRAM FIX: name a tool that only the user can install
	command -v "$1" >/dev/null 2>&1 && return
	printf 'error: %s is missing\nfix:   %s\n' "$1" "$2" >&2
	exit 1
}

# python311 prints the Python to use: the pinned versions have wheels for 3.11,
# and clearbit cannot be built for what is newer.
python311() {
	local p
	for p in python3.11 /usr/bin/python3.11 python3; do
		if "$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
			echo "$p"
			return
		fi
	done
	return 1
}

say() { printf 'installing %s ...\n' "$*" >&2; }

pins() { cat "$@" | sha256sum | cut -c1-16; }

# debian installs packages where that may be done; what is still missing is named below.
debian() {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
	say "$* by apt-get"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null || true
}
python311 >/dev/null || debian python3.11 python3.11-venv
command -v npm >/dev/null 2>&1 || debian nodejs npm

need go "install Go 1.26 or newer and put it on the PATH"
python=$(python311) || need python3.11 "install Python 3.11 with venv (Debian 12: apt-get install python3-venv)"
need node "install Node 20 or newer (Debian: apt-get install nodejs npm)"
need npm "install npm (Debian: apt-get install nodejs npm)"

python_clients() {
	local stamp
	stamp=$home/venv/.pins-$(pins "$tests"/requirements*.txt)
	[ -e "$stamp" ] && return
	say "Python clients"
	rm -rf "$home/venv"
	mkdir -p "$home"
	if ! "$python" -m venv "$home/venv" >"$tmp/venv.log" 2>&1; then
		cat "$tmp/venv.log" >&2
		printf "error: Python's venv module does not work\nfix:   install it (Debian: apt-get install python3-venv)\n" >&2
		exit 1
	fi
	local pip=("$home/venv/bin/python" -m pip install -q --disable-pip-version-check)
	"${pip[@]}" -r "$tests/requirements-build.txt"
	# Without isolation, because clearbit builds with an old setuptools only.
	"${pip[@]}" --no-build-isolation -r "$tests/requirements.txt"
	touch "$stamp"
}

node_clients() {
	local stamp
	stamp=$home/node/.pins-$(pins "$tests"/package*.json)
	if [ ! -e "$stamp" ]; then
		say "Node clients"
		rm -rf "$home/node"
		mkdir -p "$home/node"
		cp "$tests"/package*.json "$home/node"
		npm ci --prefix "$home/node" --no-audit --no-fund --loglevel=error >/dev/null
		touch "$stamp"
	fi
	# Node looks for modules beside the file that asks for them.
	rm -f "$home"/node/*.mjs "$home"/node/*.js
	cp "$tests"/node/*.mjs "$tests"/node/*.js "$home/node"
}

# program prints the path of a leadlake that is as new as its source.
program() {
	local sources=(cmd internal ingest lake models serve transforms sql go.mod)
	if [ -x bin/leadlake ] && [ -z "$(find "${sources[@]}" ./*.go -newer bin/leadlake -type f ! -name '*_test.go' -print -quit 2>/dev/null)" ]; then
		echo bin/leadlake
		return
	fi
	echo "building leadlake ..." >&2
	go build -o "$tmp/leadlake" ./cmd/leadlake || return
	echo "$tmp/leadlake"
}

# start runs the sandbox on a port that the system chooses.
start() {
	local leadlake
	leadlake=$(program)
	: >"$tmp/sandbox.json" # the background job may be slow to make it
	"$leadlake" sandbox --addr 127.0.0.1:0 --json >"$tmp/sandbox.json" 2>"$tmp/sandbox.log" &
	sandbox=$!
	for _ in $(seq 300); do
		LEADLAKE_SANDBOX=$(sed -n 's/.*"base_url": *"\([^"]*\)".*/\1/p' "$tmp/sandbox.json")
		if [ -n "$LEADLAKE_SANDBOX" ]; then
			export LEADLAKE_SANDBOX
			return
		fi
		kill -0 "$sandbox" 2>/dev/null || break
		sleep 0.1
	done
	cat "$tmp/sandbox.log" >&2
	echo "error: the sandbox did not start" >&2
	exit 1
}

# signed has leadlake sign webhooks now, for verifiers that refuse older ones.
signed() {
	export LEADLAKE_SIGNED=$tmp/signed.json
	go test -count=1 -run signs_for_verifiers ./serve/deliver/webhook/ >"$tmp/out" 2>&1 && return
	cat "$tmp/out" >&2
	echo "error: leadlake signed no webhooks" >&2
	exit 1
}

failed=0
ran=0
wanted=("$@")

# client TITLE PATTERN COMMAND...: run one client and say how it went. The
# pattern finds a test that passed in the output.
client() {
	local title=$1 pattern=$2 word
	shift 2
	for word in "${wanted[@]+"${wanted[@]}"}"; do
		[[ $title == *"$word"* ]] && word= && break
	done
	[ "${#wanted[@]}" -gt 0 ] && [ -n "$word" ] && return
	ran=$((ran + 1))
	local status=0 passed
	"$@" >"$tmp/out" 2>&1 || status=$?
	passed=$(grep -cE "$pattern" "$tmp/out" || true)
	if [ "$status" = 0 ] && [ "$passed" -gt 0 ]; then
		printf 'ok    %-58s %3d claims\n' "$title" "$passed"
		return
	fi
	failed=$((failed + 1))
	printf 'FAIL  %-58s\n' "$title"
	sed 's/^/      /' "$tmp/out"
}

python_clients
node_clients
start
signed

pinned() { sed -n "s/^$1==//p" "$tests/requirements.txt"; }

for file in "$tests"/python/test_*.py; do
	name=$(basename "$file" .py)
	name=${name#test_}
	name=${name//_/-}
	client "PyPI $name $(pinned "$name")" ' \.\.\. ok$' "$home/venv/bin/python" -B -m unittest discover -v -s "$tests/python" -p "$(basename "$file")"
done
for file in "$home"/node/*.mjs; do
	name=$(basename "$file" .mjs)
	version=$(sed -n "s|.*\"\(@[a-z]*/\)\{0,1\}$name\": \"\([^\"]*\)\".*|\1$name \2|p" "$tests/package.json")
	client "npm $version" '^ok ' node --test --test-reporter=tap "$file"
done
client "Go google.golang.org/api/places/v1, providers' OpenAPI" '^--- PASS' go test -count=1 -v ./internal/sandbox/ -run 'client|providers_document'
client "Go go-salesforce, standard-webhooks, CRMs' OpenAPI" '^--- PASS' go test -count=1 -v ./internal/sandbox/crm/ -run 'client|providers_document'

if [ "$ran" = 0 ]; then
	echo "error: no client is called ${wanted[*]}" >&2
	exit 2
fi
if [ "$failed" != 0 ]; then
	echo "$failed of $ran clients failed" >&2
	exit 1
fi
echo "all $ran clients work against the sandbox"
