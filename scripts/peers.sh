# Sourced by scripts that run a peer: sets peers, the folder of the peers'
# programs, and python, which has what they need. LEADLAKE_PEERS names another
# folder, PEER_PYTHON another Python.
peers=${LEADLAKE_PEERS:-../shared/bench}
python=${PEER_PYTHON:-}
if [ ! -e "$peers/splink_sets.py" ]; then
	echo "error: there is no splink_sets.py in '$peers'" >&2
	echo "fix:   set LEADLAKE_PEERS to the folder that holds the peers' programs" >&2
	exit 1
fi
if [ -z "$python" ]; then
	venv=$PWD/.tools/venv-peers
	python=$venv/bin/python
	# The versions that the peers' figures were made with.
	stamp=$venv/.splink-5.0.0-duckdb-1.5.5
	if [ ! -e "$stamp" ]; then
		echo "installing the peers' Python ..." >&2
		python3 -m venv "$venv"
		"$venv/bin/pip" install -q --disable-pip-version-check splink==5.0.0 duckdb==1.5.5 numpy pandas faker pyarrow
		touch "$stamp"
	fi
fi
