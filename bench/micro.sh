#!/usr/bin/env bash
# Go benchmarks of the rooms that a request goes through, beside those that were kept: make bench, or make bench KEEP=1 to keep
# these. A difference is for people to look at; nothing fails.
set -euo pipefail
cd "$(dirname "$0")/.."
kept=docs/benchmarks/micro.txt
now=bin/micro.txt
rooms=(./core/wire ./core/raft ./core/session ./core/store ./core/evict ./core/slab ./core/ring ./core/trace ./net/resp ./net/peer ./net/sock ./net/grpcapi ./net/host ./client)

machine="# machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1), $(getconf _NPROCESSORS_ONLN) cores, $(uname -sr), $(go env GOVERSION)"
mkdir -p bin
{
  echo "# made by make bench KEEP=1, to be compared with by make bench"
  echo "$machine"
  echo "# commit: $(git describe --always --dirty 2>/dev/null || echo unknown), load average at the start: $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
} > "$now"
echo "six times each, about a minute; load average $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)" >&2
go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-100ms}" -count 6 "${rooms[@]}" >> "$now" || { cat "$now"; exit 1; }

if [ "${KEEP:-}" ]; then
  mkdir -p "${kept%/*}"
  cp "$now" "$kept"
  echo "kept in $kept: commit it" >&2
elif [ ! -f "$kept" ]; then
  go -C bench/peers tool benchstat "$PWD/$now"
  echo "there is no $kept to compare with: make bench KEEP=1 on a quiet machine makes it" >&2
else
  [ "$machine" = "$(grep '^# machine' "$kept")" ] ||
    printf 'another machine than then: compare B/op and allocs/op only\nthen %s\nnow  %s\n' "$(grep '^# machine' "$kept")" "$machine"
  go -C bench/peers tool benchstat -ignore cpu "then=$PWD/$kept" "now=$PWD/$now"
fi
