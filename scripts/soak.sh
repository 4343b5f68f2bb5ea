#!/usr/bin/env bash
# Runs the tests that take too long for every run: a hundred kills, large volumes, long fuzzing. By hand, or every night.
#
#   scripts/soak.sh                 all of it
#   scripts/soak.sh TestBrokerKilled     only the tests whose names match, without fuzzing
#
#   SOAK_FUZZTIME=10m   time for each fuzz target; 0 leaves fuzzing out
#   SOAK_COUNT=1        how often each test is run
#
# It runs the packages whose tests have a flag -long. scripts/check.sh runs their small sizes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fuzztime=${SOAK_FUZZTIME:-10m}
pattern=${1:-.}
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/summary" ./scripts/summary

mapfile -t packages < <(grep -rl --include='*_test.go' 'flag\.Bool("long"' . | xargs -n 1 dirname | sort -u)
((${#packages[@]} > 0)) || { echo 'soak.sh: no package has a flag -long' >&2; exit 1; }
echo "soak: ${packages[*]}"
failed=0
for package in "${packages[@]}"; do
	go test -json -timeout 6h -count "${SOAK_COUNT:-1}" -run "$pattern" "$package" -long | "$tmp/summary" -to "$tmp/counts" || {
		# A pattern matches tests of some packages only.
		[[ $pattern != . && $(head -n 1 "$tmp/counts") == '0 0 0' ]] || failed=1
	}
	head -n 1 "$tmp/counts" >>"$tmp/all"
done
if [[ $pattern == . && $fuzztime != 0 ]]; then
	bash scripts/fuzz.sh "$fuzztime" || failed=1
fi
awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit p == 0 }' "$tmp/all"
exit "$failed"
