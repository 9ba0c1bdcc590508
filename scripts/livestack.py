"""Start livestack: makes ``.venv`` on the first run, then hands every argument on.

    python3 scripts/livestack.py demo
    python3 scripts/livestack.py watch ~/captures

``--install-system`` lets it install missing Debian packages with sudo (as root it does so unasked).
"""

import os
import subprocess
import sys

import bootstrap


def main() -> None:
    """Set up what is missing and become ``livestack``."""
    arguments = sys.argv[1:]
    install_system = bootstrap.take_flag(arguments, "--install-system")
    bootstrap.ensure("run", install_system)
    bootstrap.ensure_window(install_system)
    command = [str(bootstrap.LIVESTACK), *arguments]
    if os.name == "nt":  # there exec would return to the prompt at once
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
