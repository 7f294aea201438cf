"""What the tests know of the sandbox that they run against."""

import csv
import io
import os

import requests

BASE = os.environ["LEADLAKE_SANDBOX"]


def keys(provider):
    """The provider's own keys of all that it lists."""
    rows = requests.get(f"{BASE}/__sandbox/truth", timeout=60).json()
    return [row["provider_key"] for row in rows if row["provider"] == provider]


def address():
    """The street, city, state and postal code of a licensed business."""
    text = requests.get(f"{BASE}/lists/city_licenses.csv", timeout=60).text
    for row in csv.DictReader(io.StringIO(text)):
        if not any(mark in row["ADDRESS"] for mark in ("#", "UNIT", "STE")):
            return row["ADDRESS"], row["CITY"], row["STATE"], row["ZIP"]
    raise LookupError("no licence has a plain address")


def fail_once(provider, **fault):
    """Makes the provider's next call fail."""
    fault |= {"provider": provider, "times": 1}
    requests.post(f"{BASE}/__sandbox/faults", json=fault, timeout=10).raise_for_status()
