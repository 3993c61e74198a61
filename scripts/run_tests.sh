#!/bin/sh
# Runs the tests; arguments go to pytest. Two runs, because TensorFlow and OpenGL drivers crash
# when they share a process: first everything headless, then tests/plugin, on virtual screens
# where the machine has Xvfb.
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
# A window has the focus on its screen, and only one: each of the two workers gets its own.
if command -v xvfb-run >/dev/null 2>&1; then
    worker="popen//python=xvfb-run -a -s '-screen 0 1920x1080x24' $python"
    "$python" -m pytest -d --tx "$worker" --tx "$worker" --dist worksteal tests/plugin "$@"
    note $?
elif [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ]; then
    "$python" -m pytest -p no:xdist tests/plugin "$@"
    note $?
else
    echo "not run: they open windows, and there is neither a screen nor Xvfb." >&2
    echo "Run the apt-get line shown above, then make test again." >&2
    status=1
fi
exit $status
