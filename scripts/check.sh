#!/usr/bin/env bash
# Checks the whole module: every part, or the ones that are named.
#
#   scripts/check.sh [format] [vet] [static] [build] [test] [fuzz] [cross] [vuln]
#
# All parts run even when an early one fails; the exit status is 1 when any did.
#
#   CHECK_FUZZTIME=5s   for each fuzz target
#   CHECK_PARALLEL=2    fuzz workers
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

parts=(format vet static build test fuzz cross vuln)
fuzztime=${CHECK_FUZZTIME:-5s}
parallel=${CHECK_PARALLEL:-2}
staticcheck_version=v0.8.2 # 2026.2.2
govulncheck_version=v1.1.4

heading() { printf '\n== %s ==\n' "$*"; }

check_format() {
	local bad
	bad=$(find . -name '*.go' -exec gofmt -l {} +) || return 1
	[[ -z $bad ]] || { printf 'gofmt -w is due in:\n%s\n' "$bad"; return 1; }
}

check_vet() { go vet ./...; }

# tool NAME PACKAGE VERSION: the path of a tool of exactly this version, kept in a cache
# folder of its own.
tool() {
	local cache
	cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-check/$1-$3-$(go env GOVERSION)
	if [[ ! -x $cache/$1 ]]; then
		mkdir -p "$cache"
		GOBIN=$cache GOFLAGS='' go install "$2@$3" >&2 || {
			echo "$1 $3 could not be installed" >&2
			return 1
		}
	fi
	printf '%s' "$cache/$1"
}

check_static() {
	local bin
	bin=$(tool staticcheck honnef.co/go/tools/cmd/staticcheck "$staticcheck_version") || return 1
	"$bin" ./...
}

# The list of known vulnerabilities is on the network. Where that cannot be reached,
# nothing was found and nothing is proven, and the check says so.
check_vuln() {
	local bin out status=0
	bin=$(tool govulncheck golang.org/x/vuln/cmd/govulncheck "$govulncheck_version") || return 1
	out=$("$bin" ./... 2>&1) || status=$?
	printf '%s\n' "$out"
	case $status in
	0) return 0 ;;
	3) return 1 ;; # vulnerabilities in code that is called
	esac
	echo 'the list of vulnerabilities could not be had: not checked'
}

# The binary of scripts/build.sh sends a message through its own broker: password, WebSocket and jq.
check_build() (
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	bash scripts/build.sh "$dir/mqtt" || return 1
	PATH=$dir:$PATH
	printf 'secret\n' | mqtt broker passwd "$dir/passwords" someone 2>/dev/null || return 1
	printed=$(XDG_CONFIG_HOME=$dir mqtt broker --listen ws://127.0.0.1:0/mqtt --passwords "$dir/passwords" -- sh -c '
		mqtt sub -u someone -P secret -t a -C 1 -W 20 --jq ".a + 1" & sleep 1
		mqtt pub -u someone -P secret -t a -q 1 -r -m "{\"a\":1}"; wait') || return 1
	[[ $printed == 2 ]] || { echo "printed: $printed"; return 1; }
)

# The race detector needs cgo and a C compiler; without one the tests run plain.
check_test() {
	local compiler race=()
	compiler=$(go env CC)
	if [[ $(go env CGO_ENABLED) == 1 ]] && command -v "${compiler%% *}" >/dev/null 2>&1; then
		race=(-race)
	else
		echo "no C compiler: the tests run without the race detector"
	fi
	go test -timeout 15m ${race[@]+"${race[@]}"} ./...
}

check_fuzz() { FUZZ_PARALLEL=$parallel bash scripts/fuzz.sh "$fuzztime"; }

# Systems that the tests do not run on here at least build and vet.
check_cross() {
	local os failed=0
	for os in windows darwin freebsd; do
		echo "-- $os"
		CGO_ENABLED=0 GOOS=$os go build ./... || failed=1
		CGO_ENABLED=0 GOOS=$os go vet ./... || failed=1
	done
	echo '-- linux on 32 bits'
	CGO_ENABLED=0 GOARCH=arm go vet ./... || failed=1
	return "$failed"
}

title() {
	case $1 in
	format) echo 'gofmt' ;;
	vet) echo 'go vet' ;;
	static) echo "staticcheck $staticcheck_version" ;;
	build) echo 'the binary of scripts/build.sh' ;;
	test) echo 'go test' ;;
	fuzz) echo "fuzz, $fuzztime a target" ;;
	cross) echo 'build and vet for other systems' ;;
	vuln) echo "govulncheck $govulncheck_version" ;;
	esac
}

(($# == 0)) || parts=("$@")
for part in "${parts[@]}"; do
	declare -F "check_$part" >/dev/null || {
		echo "check: no part '$part'; there are: format vet static build test fuzz cross vuln" >&2
		exit 2
	}
done

failures=()
for part in "${parts[@]}"; do
	heading "$(title "$part")"
	SECONDS=0
	if "check_$part"; then
		echo "ok: $part (${SECONDS} s)"
	else
		echo "FAILED: $part (${SECONDS} s)"
		failures+=("$part")
	fi
done

if ((${#failures[@]} > 0)); then
	heading "FAILED: ${failures[*]}"
	exit 1
fi
heading 'all good'
