"""Make the environment that livestack runs in, and say in one line what is missing.

Standard library only, and nothing newer than Python 3.6, so that an old ``python3`` gets far enough to explain itself.
The locked packages go to ``.venv``, the project is installed there in place; a fingerprint of lock and project makes
every later start quick.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NoReturn, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LIVESTACK = BIN / ("livestack.exe" if os.name == "nt" else "livestack")
STAMP = VENV / "livestack-setup.json"
LOG = VENV / "livestack-setup.log"
LOCKS = {"run": ROOT / "requirements.lock", "test": ROOT / "requirements-test.lock"}

SUPPORTED = ((3, 13), (3, 12), (3, 11))  # best first; the same band as requires-python
WINDOW_PACKAGES = [
    "libgl1", "libegl1", "libglib2.0-0", "libfontconfig1", "libdbus-1-3", "libxkbcommon-x11-0", "libxcb-cursor0",
    "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-render-util0", "libxcb-xinerama0", "libxcb-shape0",
]  # fmt: skip
NO_NETWORK = (
    "name resolution", "resolve host", "dns error", "network is unreachable", "newconnectionerror", "no route to host",
    "connection refused", "timed out", "proxyerror", "could not connect", "error sending request",
)  # fmt: skip


def ensure(what: str, install_system: bool) -> None:
    """Bring ``.venv`` up to date for ``run`` or ``test``; quick when it is already.

    Ends the program with one line when something is missing that it cannot install.
    """
    if _is_ready(what):
        return
    try:
        with _alone():
            if not _is_ready(what):
                _set_up(what, install_system)
    except OSError as error:
        stop(f"{ROOT} cannot be set up: {error}")


def ensure_window(install_system: bool) -> None:
    """Where there is a display, see to the libraries a window needs; without them the page still works."""
    if not sys.platform.startswith("linux") or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    stamp = _read_stamp()
    if stamp.get("window") == "ok":
        return
    fault = window_fault()
    if fault and not apt_install(WINDOW_PACKAGES, f"a window needs system libraries ({fault})", install_system):
        say("going on without a window; the page works: add --serve")
        return
    with contextlib.suppress(OSError):
        _write_stamp(dict(stamp, window="ok"))


def window_fault() -> Optional[str]:
    """Return why Qt's X11 plug-in cannot be loaded, or None when it can."""
    plugins = [*VENV.glob("lib/python3*/site-packages/P*/Qt*/plugins/platforms/libqxcb.so")]
    try:
        for plugin in plugins:
            ctypes.CDLL(str(plugin))
    except OSError as error:
        return str(error).split(":")[0]
    return None if plugins else "Qt is not installed"


def apt_install(packages: List[str], reason: str, install_system: bool) -> bool:
    """Install Debian packages when root or asked to; otherwise say the exact line. Return whether they are there."""
    line = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not shutil.which("apt-get"):
        say(f"{reason}; on Debian and Ubuntu they are: {' '.join(packages)}")
        return False
    if not (root or (install_system and shutil.which("sudo"))):
        say(f"{reason}: sudo {' '.join(line)}    (or run this again with --install-system)")
        return False
    sudo = [] if root else ["sudo"]
    say(f"{reason}: {' '.join(sudo + line)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    update = [*sudo, "apt-get", "update"]
    for command in ([*sudo, *line], update, [*sudo, *line]):  # the package lists may be old or absent
        done = subprocess.run(command, check=False, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0 and command is not update:
            return True
    say("apt-get could not install them: " + _last_line(done.stdout.decode(errors="replace")))
    return False


def take_flag(arguments: List[str], flag: str) -> bool:
    """Remove a flag of the script's own from the arguments; return whether it was there."""
    found = flag in arguments
    arguments[:] = [argument for argument in arguments if argument != flag]
    return found


def say(sentence: str) -> None:
    """Tell the user one line, on standard error."""
    print(f"livestack: {sentence}", file=sys.stderr, flush=True)


def stop(sentence: str) -> NoReturn:
    """Tell the user one line and end with exit code 1."""
    say(sentence)
    sys.exit(1)


def _set_up(what: str, install_system: bool) -> None:
    uv = shutil.which("uv")
    if not _venv_works(uv):
        _make_venv(uv, install_system)
    say(f"installing the locked packages into {VENV} (about 1 GB, once)")
    pip = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip", "install", "--no-input"]
    _install([*pip, "--require-hashes", "-r", str(LOCKS[what])])
    # the build backend is among the locked packages: this step needs no network
    offline = "--offline" if uv else "--no-index"
    _install([*pip, "--no-deps", "--no-build-isolation", offline, "-e", str(ROOT)])
    compile_sources([VENV, ROOT / "livestack"])
    stamp = {"run": _fingerprint("run")}  # the test lock holds all of the other, at the same versions
    if what == "test":
        stamp["test"] = _fingerprint("test")
    _write_stamp(stamp)


def compile_sources(folders: List[Path]) -> None:
    """Leave byte code beside the sources, as far as they can be compiled and the folders written.

    uv does not, nor does Python itself where PYTHONDONTWRITEBYTECODE is set: then every start would compile for 2 s.
    """
    command = [str(PYTHON), "-m", "compileall", "-q", "-j", "0", *map(str, folders)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _venv_works(uv: Optional[str]) -> bool:
    if _read_stamp().get("root", str(ROOT)) != str(ROOT):
        return False  # the folder was moved: the scripts in it name the old place
    return PYTHON.exists() and _version_of(str(PYTHON)) in SUPPORTED and bool(uv or _has(str(PYTHON), "pip"))


def _make_venv(uv: Optional[str], install_system: bool) -> None:
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        stop(f"{VENV} is not a Python environment; move it away and run this again")
    pythons = find_pythons()
    if not pythons:
        pythons = _install_python(install_system)
    complete = [python for python in pythons if _has(python, "venv, ensurepip")]
    if not complete and not uv:
        package = "python{}.{}-venv".format(*(_version_of(pythons[0]) or SUPPORTED[0]))
        if not apt_install([package], f"{pythons[0]} cannot make an environment", install_system):
            sys.exit(1)
        complete = pythons[:1]
    if complete:
        _run([complete[0], "-m", "venv", "--clear", str(VENV)], "the environment could not be made")
    else:
        _run([str(uv), "venv", "--clear", "--python", pythons[0], str(VENV)], "the environment could not be made")


def find_pythons() -> List[str]:
    """Return the interpreters livestack can run on: this one first, then those on the PATH, then pyenv's."""
    own = getattr(sys, "_base_executable", None) or sys.executable
    candidates = [own]
    for major, minor in SUPPORTED:
        candidates.append(shutil.which(f"python{major}.{minor}") or "")
        if os.name == "nt":
            candidates.append(_printed(["py", f"-{major}.{minor}", "-c", "import sys; print(sys.executable)"]))
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        candidates += [str(path) for path in sorted(pyenv.glob(f"versions/{major}.{minor}.*/bin/python"), reverse=True)]
    candidates += [shutil.which("python3") or "", "/usr/bin/python3"]
    return [path for path in dict.fromkeys(candidates) if path and _version_of(path) in SUPPORTED]


def _install_python(install_system: bool) -> List[str]:
    here = "{}.{}".format(*sys.version_info[:2])
    reason = f"livestack needs Python 3.11, 3.12 or 3.13; this is {here} and no other was found"
    for major, minor in SUPPORTED:
        name = f"python{major}.{minor}"
        if "Candidate: " in _printed(["apt-cache", "policy", name]).replace("Candidate: (none)", ""):
            if apt_install([name, f"{name}-venv"], reason, install_system):
                return find_pythons()
            sys.exit(1)
    stop(f"{reason}: install Python 3.13 (for example with pyenv or uv) and run this again with it")


def _install(command: List[str]) -> None:
    _run(command, "the packages could not be installed")


def _run(command: List[str], failure: str) -> None:
    """Run a step of the set-up; its output goes to the log, and line by line past a terminal."""
    lines = []
    trusting = dict(os.environ, UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")  # uv would trust only its own certificates
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(ROOT), env=trusting)
    assert process.stdout is not None
    for raw in process.stdout:
        line = raw.decode(errors="replace").strip()
        lines.append(line)
        if sys.stderr.isatty():
            print(f"\r\033[K  {line[: shutil.get_terminal_size().columns - 3]}\r", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if VENV.is_dir():
        with LOG.open("a", encoding="utf-8") as log:
            log.write("\n".join(["$ " + " ".join(command), *lines, ""]))
    if process.wait() != 0:
        stop(_explain("\n".join(lines), failure))


def _explain(output: str, failure: str) -> str:
    if "certificate" in output.lower():
        return f"{failure}: the network's certificate is not trusted here; name it in SSL_CERT_FILE (log: {LOG})"
    if any(sign in output.lower() for sign in NO_NETWORK):
        return f"{failure}: no network; the first start fetches them, connect and run this again (log: {LOG})"
    if "no space left" in output.lower():
        return f"{failure}: the disk is full; about 1.5 GB is needed in {ROOT}"
    return f"{failure}: {_last_line(output)} (log: {LOG})"


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "e:"))]
    return (errors or lines or ["no reason given"])[-1].strip()


def _is_ready(what: str) -> bool:
    return LIVESTACK.exists() and PYTHON.exists() and _read_stamp().get(what) == _fingerprint(what)


def _fingerprint(what: str) -> str:
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (LOCKS[what], ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_stamp() -> Dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return stamp if isinstance(stamp, dict) else {}
    except (OSError, ValueError):
        return {}


def _write_stamp(stamp: Dict[str, str]) -> None:
    temporary = STAMP.with_name(f".{STAMP.name}.tmp")
    temporary.write_text(json.dumps(dict(stamp, root=str(ROOT))), encoding="utf-8")
    temporary.replace(STAMP)


def _version_of(python: str) -> Optional[Tuple[int, int]]:
    words = _printed([python, "-c", "import sys; print(*sys.version_info[:2])"]).split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def _has(python: str, modules: str) -> bool:
    return _printed([python, "-c", f"import {modules}; print('yes')"]) == "yes"


def _printed(command: List[str]) -> str:
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let a second first start wait for the first; Windows has no flock and goes without."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (ROOT / ".venv.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
