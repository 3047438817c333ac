#!/bin/sh
# Prints a Chromium that browser tests can drive; installs the system's package if there is none.
set -u
find_it() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" && return 0
    done
    return 1
}
find_it && exit 0
echo "Chromium is not installed; trying the system's packages." >&2
if command -v apt-get > /dev/null; then
    as=""
    [ "$(id -u)" = 0 ] || as="sudo -n"
    { $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } > /dev/null 2>&1
elif command -v dnf > /dev/null; then
    sudo -n dnf install -y -q chromium > /dev/null 2>&1
elif command -v brew > /dev/null; then
    brew install --quiet --cask chromium > /dev/null 2>&1
fi
find_it && exit 0
echo "No Chromium could be installed, so the browser tests will be skipped." >&2
exit 1
