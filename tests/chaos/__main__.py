"""`python -m tests.chaos --faults 60 --seed 1`: disturbs a search and prints what came of it."""

import argparse
import json

from tests.chaos.run import run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--faults", type=int, default=60)
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
found = run(arguments.faults, arguments.seed, lambda text: print(text, flush=True))
print(json.dumps(found, indent=2))
