#!/usr/bin/env bash
# Runs every linter and reports all of them before it fails.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

step() { # step NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok    $name"
	else
		echo "FAIL  $name"
		failed=1
	fi
}

# Source files in git and those about to be; what is deleted is left out.
sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

short_files() {
	local long
	long=$(sources '*.go' '*.sql' '*.sh' '*.ts' '*.js' '*.css' | xargs -r wc -l | awk '$2 != "total" && $1 > 500 {print "  " $2 ": " $1 " lines, at most 500"}')
	[ -z "$long" ] || { echo "$long"; return 1; }
}

tested_models() {
	local bare
	bare=$(sources 'sql/staging/*.sql' 'sql/intermediate/*.sql' 'sql/candidates/*.sql' 'sql/marts/*.sql' |
		while read -r f; do [ -f "${f%.sql}_test.yaml" ] || echo "  $f has no ${f%.sql}_test.yaml"; done)
	[ -z "$bare" ] || { echo "$bare"; return 1; }
}

step "file length" short_files
step "a test beside each SQL model" tested_models
step "go vet" go vet ./...
step "golangci-lint" golangci-lint run
step "sqlfluff" sqlfluff lint --disable-progress-bar sql
exit "$failed"
