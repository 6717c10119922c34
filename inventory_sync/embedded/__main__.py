"""The embedded servers on the command line: ``python -m inventory_sync.embedded start|stop|status|env|run -- CMD...``"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence

from inventory_sync.embedded import EmbeddedServerError, ensure, running_pids, stop

EXIT_NOT_RUNNING = 3  # what a service's `status` answers by custom


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command. Return the exit code; what went wrong is said on standard error."""
    options = read_arguments(arguments)
    try:
        match options.command:
            case "start":
                servers = ensure()
                print(f"The servers are running; their data is kept for {servers.home}.")
            case "stop":
                stop()
                print("The servers are stopped.")
            case "status":
                return show_status()
            case "env":
                for name, value in missing_environment().items():
                    print(f"export {name}={shlex.quote(value)}")
            case "run":
                run(options.program)
    except EmbeddedServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; ``program`` is what ``run`` is to start."""
    parser = argparse.ArgumentParser(prog="python -m inventory_sync.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="start the servers, unless they run")
    commands.add_parser("stop", help="stop the servers; their data stays")
    commands.add_parser("status", help="tell which servers run")
    commands.add_parser("env", help="start the servers and print their URLs for a shell to evaluate")
    run_parser = commands.add_parser(
        "run", help="start the servers, then a program that finds their URLs in its environment"
    )
    run_parser.add_argument("program", nargs="+", metavar="CMD", help="after --: the program and its arguments")
    return parser.parse_args(arguments)


def missing_environment() -> dict[str, str]:
    """Start the servers and return the variables that are not set already."""
    return {name: value for name, value in ensure().environment.items() if not os.environ.get(name)}


def show_status() -> int:
    """Print a line for each server. Return 0 if both run, else ``EXIT_NOT_RUNNING``."""
    pids = running_pids()
    for name, pid in pids.items():
        print(f"{name}: {'not running' if pid is None else f'running, process {pid}'}")
    return EXIT_NOT_RUNNING if None in pids.values() else 0


def run(program: Sequence[str]) -> None:
    """
    Become the given program, with the servers running and their URLs in its environment.

    :raises EmbeddedServerError: there is no such program.
    """
    environment = os.environ | missing_environment()
    sys.stdout.flush()
    try:
        os.execvpe(program[0], list(program), environment)
    except OSError as error:
        raise EmbeddedServerError(f"cannot run {program[0]}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
