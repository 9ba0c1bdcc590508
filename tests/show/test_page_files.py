"""What the pages are made of: how much of it there is, and what may not be in it."""

from __future__ import annotations

import re
from pathlib import Path

from livestack.show.web import shell

STATIC = Path(shell.__file__).with_name("static")
SMALL_KB = {"js": 45, "css": 20, "woff2": 50, "all": 150}


def test_a_page_is_light() -> None:
    """What a phone on a field must load before the picture."""
    files = {path: len(data) for path, (data, _) in shell.files().items()}
    aside = ("/present", "/lost", "/icon", "/favicon", "/manifest")
    own = {path: size for path, size in files.items() if not path.startswith(aside)}
    for kind in ("js", "css", "woff2"):
        assert sum(size for path, size in own.items() if path.endswith(f".{kind}")) <= 1000 * SMALL_KB[kind], kind
    assert sum(own.values()) <= 1000 * SMALL_KB["all"]


def test_pages_need_nothing_from_elsewhere_and_no_script_of_their_own_text() -> None:
    for path, (data, kind) in shell.files().items():
        if kind.startswith(("image", "font")):
            continue
        text = data.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text.replace("^https?:\\/\\/", ""), path
        assert "https://" not in text, path
        if kind == "text/html":
            assert " style=" not in text, path
            assert not re.search(r"<script(?![^>]*src=)", text), path
            assert not re.search(r"\son\w+=", text), path
            assert '<html lang="en">' in text, path
            assert "$" not in text, path


def test_scripts_are_written_for_phones_of_five_years_ago_in_the_words_of_one_table() -> None:
    words, said = shell.words(), set()
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        if path.name not in {name.strip("/") for name in shell.files()} or path.name in ("operator.js", "login.js"):
            continue
        assert not re.search(r"\?\.\w|\?\?|\.at\(|\.replaceAll\(|structuredClone|#\w+\s*=", text), path.name
        said |= set(re.findall(r'say\("(\w+)"', text))
    assert said <= set(words), said - set(words)
    pages = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.html"))
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    unsaid = [key for key in words if f"${key}" not in pages and f'"{key}"' not in scripts]
    assert not unsaid, "a word nobody says"
