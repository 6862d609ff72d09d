"""`python -m lab`: train what is shipped, and on; measure what is claimed, check that it holds, survey a corpus."""

from __future__ import annotations

import argparse
import os
import sys

# The matrices are small: a second thread only costs time, and beside other work most of it.
os.environ |= {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS") if name not in os.environ}

from lab import check, mean, measure, read_on, surveys, train  # noqa: E402

COMMANDS = {"train": train, "read-on": read_on, "mean": mean, "measure": measure, "check": check, "survey": surveys}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = module.__doc__ or ""
        one = commands.add_parser(name, help=text.splitlines()[0], description=text)
        module.options(one)
        one.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
