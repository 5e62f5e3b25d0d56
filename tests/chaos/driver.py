"""The driver of a search of chains as a process: `python -m tests.chaos.driver NAME [RAY]`."""

import sys

from search.driver import drive
from search.errors import SearchError
from search.workspace import Workspace
from tests.chaos.work import CHAINS


def main(name: str, ray: str | None = None) -> None:
    place = Workspace.at(None)
    try:
        ending = drive(name, place, lambda text: print(text, flush=True), work=CHAINS, ray=ray)
    except SearchError as error:
        print(f"Error: {error}", flush=True)
        sys.exit(1)
    print(f"ended: {ending.value}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
