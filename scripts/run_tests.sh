#!/bin/sh
# Runs the tests; arguments go to pytest. Two runs, because TensorFlow and OpenGL drivers crash
# when they share a process: first everything headless, then tests/plugin, on a virtual screen
# where the machine has none.
set -u
cd "$(dirname "$0")/.." || exit 1
python=.venv/bin/python
status=0

# pytest exits with 5 when a choice such as -m slow leaves no test: no failure here.
note() { [ "$1" = 0 ] || [ "$1" = 5 ] || status=1; }

echo "== headless tests"
"$python" -m pytest -n 2 --dist worksteal --ignore=tests/plugin "$@"
note $?

echo "== napari tests"
if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ]; then
    "$python" -m pytest -n 2 --dist loadgroup tests/plugin "$@"
    note $?
elif command -v xvfb-run >/dev/null 2>&1; then
    xvfb-run -a -s "-screen 0 1920x1080x24" "$python" -m pytest -n 2 --dist loadgroup tests/plugin "$@"
    note $?
else
    echo "not run: they open windows, and there is neither a screen nor Xvfb." >&2
    echo "Run the apt-get line shown above, then make test again." >&2
    status=1
fi
exit $status
