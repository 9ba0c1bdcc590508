"""How the command line ends: every known error is one line and an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any, NoReturn

import click

from livestack.errors import LivestackError, NothingStacked, SourceError

STOPPED = 130


class Cli(click.Group):
    """Every known error is one line and an exit code; never a traceback at a user. Commands return their exit code."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line and leave."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # until an engine takes both over
        _keep_to_our_words()
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            _leave(error.exit_code)
        except click.ClickException as error:
            _leave(error.exit_code, _one_line(error))
        except (click.Abort, KeyboardInterrupt):
            click.echo("livestack: stopped", err=True)
            sys.stdout.flush()
            os._exit(STOPPED)  # Python itself would end by SIGINT where an import was interrupted
        except LivestackError as error:
            _leave(4 if isinstance(error, SourceError) else 3 if isinstance(error, NothingStacked) else 2, str(error))
        except OSError as error:  # also of asking whether a path is there at all
            if error.filename is None:
                raise
            _leave(2, f"{error.filename} cannot be used: {error.strerror}")
        _leave(code or 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; that nobody reads what it prints is no fault of its."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            from livestack.show.console import silence

            silence()
            return 0


def _keep_to_our_words() -> None:
    """Leave what libraries warn of to a session's log, and print a name that is no text as it can be."""
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log on a full disk
    for name in ("livestack", "py.warnings"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _one_line(error: click.ClickException) -> str:
    """Say what is wrong with the command line and where it is explained."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{said}. See {context.command_path} --help" if context else said


def _leave(code: int, sentence: str = "") -> NoReturn:
    """End, and let no further Ctrl-C disturb the end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sentence:
        click.echo(f"livestack: {sentence}", err=True)
    sys.exit(code)
