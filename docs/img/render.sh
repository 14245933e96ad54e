#!/usr/bin/env bash
# Renders the pictures of the README from the demo. `make pictures` calls it with the program and the folder to write to.
# The demo counts up to yesterday, so a fixed clock gives the same numbers every time.

set -euo pipefail

program=$(realpath "$1")
images=$(realpath "$2")
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# Settings of the caller must not reach the demo.
for variable in $(compgen -e | grep -E '^(DAYBOOK|METRICS)_' || true); do unset "$variable"; done
export TZ=Europe/Zurich LC_ALL=C.UTF-8

at_the_fixed_time() { faketime '2026-11-21 08:00:00' "$program" "$@"; }

# picture ADDRESS WIDTH HEIGHT FILE
picture() {
  local browser
  browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
  "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --user-data-dir="$work/profile" --hide-scrollbars --blink-settings=preferredColorScheme=1 \
    --force-device-scale-factor=2 --window-size="$2,$3" --screenshot="$4" "$1" 2>/dev/null
  if command -v oxipng >/dev/null; then oxipng --quiet --strip safe "$4"
  elif command -v optipng >/dev/null; then optipng -quiet -strip all "$4"; fi
}

at_the_fixed_time demo --dir "$work/demo" >"$work/demo.log" 2>&1 || { cat "$work/demo.log" >&2; exit 1; }
picture "file://$work/demo/outbox/2026-11-20.html" 688 735 "$images/mail.png"

# In a process group of its own: faketime stays between this script and the server.
set -m
at_the_fixed_time --config "$work/demo/daybook.toml" serve --listen 127.0.0.1:0 2>"$work/serve.log" &
server=$!
set +m
for _ in $(seq 50); do
  address=$(grep -o 'http://127\.0\.0\.1:[0-9]*/[a-z/]*' "$work/serve.log" || true)
  [ -z "$address" ] || break
  sleep 0.1
done
[ -n "$address" ] || { cat "$work/serve.log" >&2; exit 1; }
picture "$address" 1100 955 "$images/dashboard.png"

ls -l "$images"/*.png
