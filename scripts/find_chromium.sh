#!/usr/bin/env bash
# Prints the path of a Chromium for the end-to-end tests: $CHROMIUM, one on the PATH, or Debian's, installed as root.
set -euo pipefail

find_chromium() {
    local candidate
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
        if [ -n "$candidate" ] && command -v "$candidate"; then
            return 0
        fi
    done
    return 1
}

if ! find_chromium; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing Chromium with apt-get" >&2
        { apt-get update -q && apt-get install -q -y --no-install-recommends chromium fonts-liberation; } >&2
        hash -r
    fi
    find_chromium || {
        echo "error: no Chromium here. Install chromium or Google Chrome, or set CHROMIUM to its path." >&2
        exit 1
    }
fi
