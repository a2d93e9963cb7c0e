# Sourced by run, whose debian it needs: a real browser for the page's test (cmd/internal/page/browser_test.go).

# Chromium and Node from the distribution, playwright-core as its lock file pins it; nothing else is fetched.
browser() {
  if ! command -v chromium >/dev/null || ! command -v npm >/dev/null; then
    local packages="chromium fonts-dejavu-core"
    command -v npm >/dev/null || packages="$packages nodejs npm"
    # shellcheck disable=SC2086
    debian $packages ||
      { echo "chromium, node and npm are needed and could not be installed (apt-get install $packages)"; return 1; }
  fi
  (cd cmd/internal/page/browser && npm ci --no-audit --no-fund --loglevel=error) ||
    { echo "playwright-core could not be installed (npm ci in cmd/internal/page/browser)"; return 1; }
  command -v chromium node
}
