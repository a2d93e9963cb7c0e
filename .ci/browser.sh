# Sourced by run: a real browser for the page's test (cmd/internal/page/browser_test.go).

# Chromium and Node from the distribution, playwright-core as its lock file pins it; nothing else is fetched.
browser() {
  if ! command -v chromium >/dev/null || ! command -v npm >/dev/null; then
    local sudo="" packages="chromium fonts-dejavu-core"
    [ "$(id -u)" = 0 ] || sudo=sudo
    command -v npm >/dev/null || packages="$packages nodejs npm"
    # shellcheck disable=SC2086
    $sudo apt-get update -qq >/dev/null && $sudo apt-get install -y -qq $packages >/dev/null ||
      { echo "chromium, node and npm are needed and could not be installed (apt-get install $packages)"; return 1; }
  fi
  (cd cmd/internal/page/browser && npm ci --no-audit --no-fund --loglevel=error) ||
    { echo "playwright-core could not be installed (npm ci in cmd/internal/page/browser)"; return 1; }
  command -v chromium node
}
