"""Prints our quality beside Splink's: eval_peers.py SHIPPED.json OTHERS.json SPLINK.json ACROSS

Splink's clusters are taken at probability 0.9, its habit, and at the threshold
that is best on the truth, which no user knows. In sets of which only pairs
across sources count, so they do for Splink.
"""

import json
import sys

shipped, others, splink = (json.load(open(path)) for path in sys.argv[1:4])
across = set(sys.argv[4].split(","))
others = {row["set"]: row for row in others or []}
splink = {row["set"]: row for row in splink}

HEAD = ("set", "records", "precision", "recall", "F1", "B-cubed", "blocking", "pairs", "seconds", "F1 others", "Splink .90", "Splink best", "seconds")
LINE = "{:26} {:>8} {:>9} {:>7} {:>7} {:>8} {:>8} {:>11} {:>8} {:>9} {:>11} {:>11} {:>8}"


def figure(row, key):
    return f"{row[key]:.4f}" if row and key in row else "-"


print(LINE.format(*HEAD))
for ours in shipped:
    name = ours["set"]
    peer = splink.get(name, {})
    scores = peer.get("link", {}) if name in across else peer
    print(
        LINE.format(
            name,
            ours["records"],
            *(figure(ours, key) for key in ("precision", "recall", "f1", "b_cubed_f1", "blocking_recall")),
            ours["pairs_compared"],
            f"{ours['seconds']:.1f}",
            figure(others.get(name), "f1"),
            figure(scores.get("clusters_p0.9"), "f1"),
            figure(scores.get("clusters_oracle"), "f1"),
            f"{peer['seconds']:.1f}" if "seconds" in peer else "-",
        )
    )
