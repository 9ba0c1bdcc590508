"""``python -m livestack``."""

from livestack.cli import main

if __name__ == "__main__":
    main(prog_name="livestack")
