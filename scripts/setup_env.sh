#!/bin/sh
# Makes .venv with the package, its GUI, CPU engine and development tools, and sees to the
# system libraries that Qt and Xvfb need. Running it again is fast; after an interruption it
# picks up where it stopped.
#
#   PYTHON=/path/to/python3.12 scripts/setup_env.sh     to choose the interpreter
set -eu
cd "$(dirname "$0")/.."
root=$(pwd -P)
venv="$root/.venv"
ready="$venv/.ready"
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV || true

say() { printf '%s\n' "$*" >&2; }
stop() { say "$@"; exit 1; }
as_root_with_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# ---------------------------------------------------------------- system libraries

# Package and the file that shows it is there: package names differ between releases.
LIBRARIES="
libegl1:libEGL.so.1 libgl1:libGL.so.1 libdbus-1-3:libdbus-1.so.3
libfontconfig1:libfontconfig.so.1 libglib2.0-0:libgthread-2.0.so.0
libxcb-cursor0:libxcb-cursor.so.0 libxkbcommon-x11-0:libxkbcommon-x11.so.0
libxcb-icccm4:libxcb-icccm.so.4 libxcb-keysyms1:libxcb-keysyms.so.1
libxcb-shape0:libxcb-shape.so.0"

missing_packages() {
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 0
    for entry in $LIBRARIES; do
        case "$known" in
            *"${entry#*:} "*) ;;
            *) printf '%s ' "${entry%%:*}" ;;
        esac
    done
    [ -z "${DISPLAY:-}" ] || return 0
    command -v Xvfb >/dev/null 2>&1 && command -v xvfb-run >/dev/null 2>&1 || printf 'xvfb '
    command -v xauth >/dev/null 2>&1 || printf 'xauth '
}

see_to_system_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    line="apt-get update && apt-get install -y --no-install-recommends $packages"
    if as_root_with_apt; then
        say "installing system libraries for Qt and Xvfb: $packages"
        # shellcheck disable=SC2086
        apt_install $packages || say "that failed; the napari window needs: $line"
    elif command -v apt-get >/dev/null 2>&1; then
        say "The napari window and the tests need system libraries. Run once:"
        say "  sudo sh -c '$line'"
    else
        say "The napari window and the tests need what Debian calls: $packages"
    fi
}

# ---------------------------------------------------------------- interpreter

# Candidates are run, not only looked up: a pyenv shim exists without its Python.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}
is_complete() {
    "$1" -c 'import bz2, ctypes, ensurepip, lzma, ssl, venv' >/dev/null 2>&1
}

find_python() {
    incomplete=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        is_new_enough "$candidate" || continue
        if is_complete "$candidate"; then
            printf '%s' "$candidate"
            return 0
        fi
        incomplete=${incomplete:-$candidate}
    done
    [ -n "$incomplete" ] || stop "No Python 3.11 or newer was found (tried:" \
        "${PYTHON:-python3.13 python3.12 python3.11 python3 python})." \
        "Install one, or name it: make env PYTHON=/path/to/python3.12"
    complete_python "$incomplete"
    printf '%s' "$incomplete"
}

# Debian and Ubuntu ship venv and ensurepip apart from Python.
complete_python() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if as_root_with_apt && apt_install "python$version-venv" && is_complete "$1"; then
        return 0
    fi
    stop "$1 cannot make a virtual environment (venv, ensurepip, ssl, ctypes, bz2 or lzma is" \
        "missing). On Debian and Ubuntu: sudo apt-get install -y python$version-venv"
}

# ---------------------------------------------------------------- virtual environment

# A moved tree leaves scripts that point at the old place.
venv_works() {
    is_new_enough "$venv/bin/python" &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        grep -qF "$venv" "$venv/bin/activate" 2>/dev/null
}

key() { printf '%s %s' "$(cat pyproject.toml scripts/setup_env.sh | cksum)" "$root"; }

see_to_venv() {
    if [ -f "$ready" ] && [ "$(cat "$ready")" = "$(key)" ] && is_new_enough "$venv/bin/python"; then
        return 0
    fi
    rm -f "$ready"
    if ! venv_works; then
        python=$(find_python)
        say "making .venv with $("$python" --version 2>&1) ($python)"
        "$python" -m venv --clear "$venv"
    fi
    say "installing the package and its dependencies into .venv (minutes the first time)"
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet -e ".[gui,cpu,dev]" >&2
    key >"$ready"
}

see_to_system_libraries
see_to_venv
