"""The full comparison: speed beside accuracy, livestack beside what else is installed, on the same files.

    python scripts/bench.py                                  everything, about a quarter of an hour on two cores
    python scripts/bench.py sets mono4 --out mono4.json      one set
    python scripts/bench.py start stages scaling float64     some of the rest
    python scripts/bench.py table results.json               the table once more

Every set is one interleaved run: a `livestack watch`, with everything on, gets its files in rounds, and between them
each peer gets some of the same files; then livestack's are a few that are turned. What is not installed is told as not
run; ``--seiza DIR`` names a folder made by ``pip install --target DIR seiza``, siril-cli is in Debian's ``siril``.
Figures are medians over rounds; the first frames of everybody are left out, for they compile, and the first of a round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Found = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def scratch(options: argparse.Namespace, name: str) -> Iterator[Path]:
    """Give a part a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"livestack-bench-{name}-", dir=options.work) as folder:
        yield Path(folder)


def begun(options: argparse.Namespace) -> Found:
    """Return what is known before anything runs, or was measured before where the file is there."""
    from livestack.bench.quick import machine

    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    before = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    facts = {"machine": {**machine(), "load": round(os.getloadavg()[0], 1)}, "commit": done.stdout.strip(), "date": now}
    return {"sets": {}, **before, **facts, "not_run": []}


def main() -> int:
    """Run what is asked for; returns 0 when every bar that was measured holds, else 1."""
    sys.path.insert(0, str(ROOT))  # livestack.py beside this file would hide the package
    from livestack.bench.quick import plain
    from livestack.errors import LivestackError
    from scripts.bench_parts import PARTS
    from scripts.bench_sets import SETS, run_set
    from scripts.bench_table import bars, markdown

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help=f"sets [{' '.join(SETS)}], {', '.join(PARTS)}, or table FILE; all")
    parser.add_argument("--out", type=Path, default=Path("bench-results.json"), help="results; what it holds stays")
    parser.add_argument("--table", type=Path, default=ROOT / "scripts" / "bench-results.md", help="the Markdown table")
    parser.add_argument("--peers", type=lambda words: words.split(","), default=["plain", "seiza", "siril"])
    parser.add_argument("--seiza", default="", metavar="DIR", help="folder that seiza was installed into")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where frames are written (8 GB)")
    options = parser.parse_args()
    what = options.what or ["sets", *PARTS]
    known = {"sets", *SETS, *PARTS}
    if what[0] != "table" and not known.issuperset(what):
        parser.error(f"{' '.join(what)}: give some of {' '.join(sorted(known))}, or table FILE")
    if what[0] == "table":
        found = json.loads(Path(what[1]).read_text(encoding="utf-8"))
    else:
        found = begun(options)
        named = [word for word in what if word in SETS] or (list(SETS) if "sets" in what else [])
        for name in [*named, *(word for word in what if word in PARTS)]:
            try:
                with scratch(options, name) as folder:
                    if name in SETS:
                        found["sets"][name] = plain(run_set(name, folder, options, found))
                    else:
                        found[name] = plain(PARTS[name](folder))
            except LivestackError as error:
                found["not_run"].append(f"{name}: {error}")
            options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    options.table.write_text(markdown(found), encoding="utf-8")
    print(markdown(found))
    return int(any(bar.measured is not None and bar.measured > bar.most for bar in bars(found)))


if __name__ == "__main__":
    sys.exit(main())
