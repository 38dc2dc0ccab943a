"""`anju demo --check`: the main job on the whole of it, started and stopped for the purpose."""

import json
import subprocess
import sys

from anju.paths import ROOT


def test_one_press_goes_all_the_way_and_each_hop_says_how_long_it_took() -> None:
    command = [sys.executable, "-m", "anju", "demo", "--check", "--json"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)

    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True), found
    names = [hop["name"] for hop in found["hops"]]
    assert names.index("press") < names.index("alarm") < names.index("claim") < names.index("close")
    assert all(hop["ok"] and hop["ms"] >= 0 for hop in found["hops"])
