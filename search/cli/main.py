"""`vaesearch`: the entry point. Errors of ours are one line and exit status 1, of usage 2."""

import errno
import os
import sys

from search.cli import (  # they add their commands to the app
    analyze,
    cluster,
    confirm,
    importance,
    keep,
    look,
    pareto,
    report,
    reproduce,
    run,
    steer,
    take,
    track,
)
from search.cli.app import app
from search.errors import SearchError

_INTERRUPTED = (
    "Ended at once. `vaesearch resume NAME` goes on with a search; any other command begins anew."
)


def main() -> None:
    """Runs the command line."""
    try:
        app(prog_name="vaesearch")
    except SearchError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _leave_output_unwritten()
        print(
            "Error: The disk is full. Free some space; nothing measured is lost.", file=sys.stderr
        )
        sys.exit(1)
    except KeyboardInterrupt:
        print(_INTERRUPTED, file=sys.stderr)
        sys.exit(130)
    except SystemExit as ended:  # Typer turns Ctrl-C into this, without a word
        if ended.code == 130:
            print(_INTERRUPTED, file=sys.stderr)
        raise


def _leave_output_unwritten() -> None:
    """Keeps the interpreter from writing at its end what could not be written just now."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
