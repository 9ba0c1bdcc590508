"""``python -m livestack``, and the program ``livestack``."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line; a Ctrl-C while it is loaded ends it without a word."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from livestack.commands import cli

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main(prog_name="livestack")


if __name__ == "__main__":
    main()
