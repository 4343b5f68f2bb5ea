#!/usr/bin/env bash
# Checks the whole module: all parts, or the named ones.
#
#   scripts/check.sh [--no-install] [format] [vet] [static] [build] [test] [fuzz] [cross] [vuln]
#
# The tests need mosquitto, its clients, mandoc, jq, tshark and a C compiler. On Debian and its relatives, what is missing is
# installed first, as root or with sudo. --no-install forbids that: what cannot be tested is then skipped.
#
# All parts are run even if an early one fails. The end lists what was skipped and prints one line with the counts of tests
# and parts. The exit status is 1 if anything failed.
#
#   CHECK_FUZZTIME=2s   time for each fuzz target
#   CHECK_PARALLEL=2    fuzz workers
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

parts=(format vet static build test fuzz cross vuln)
install=yes
fuzztime=${CHECK_FUZZTIME:-2s}
parallel=${CHECK_PARALLEL:-2}
staticcheck_version=v0.8.2 # 2026.2.2
govulncheck_version=v1.1.4
# The packages are compiled once for several parts: without the profile of the released binary, and with the race detector
# if the tests use it.
export GOFLAGS="${GOFLAGS:-} -pgo=off"
race=()
# Debian installs the mosquitto broker in a folder that the PATH of an ordinary user lacks.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

heading() { printf '\n== %s ==\n' "$*"; }

# A part returns 0, 1 if it failed, or the result of skip.
skipped_status=77
skip() { printf '%s\n' "$*" >"$tmp/reason"; return $skipped_status; }

# faulty_reported COMMAND...: runs a tool on code that has a fault, which the tool must report.
faulty_reported() {
	local out
	if out=$("$@" ./scripts/testdata/faulty 2>&1) || ! grep -q 'Printf format %d' <<<"$out"; then
		printf '%s\n' "$out"
		echo "$1 does not report a fault that it must report: it has checked nothing"
		return 1
	fi
}

# --- packages ------------------------------------------------------------------

# compiles reports whether there is a C compiler with the headers of the C library.
compiles() {
	local compiler
	compiler=$(go env CC) || return 1
	[[ $(go env CGO_ENABLED) == 1 ]] && command -v "${compiler%% *}" >/dev/null &&
		printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $compiler -x c -o "$tmp/compiled" - 2>/dev/null
}

# missing prints the Debian packages that the tests need and that are not there.
missing() {
	command -v mosquitto >/dev/null || echo mosquitto
	{ command -v mosquitto_pub && command -v mosquitto_sub && command -v mosquitto_rr; } >/dev/null || echo mosquitto-clients
	command -v mandoc >/dev/null || echo mandoc
	command -v tshark >/dev/null || echo tshark
	command -v jq >/dev/null || echo jq
	compiles || echo gcc libc6-dev
}

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi; }

# again COMMAND...: runs it up to four times, since mirrors fail now and then.
again() {
	local try
	for try in 1 2 3 4; do
		"$@" && return 0
		echo "try $try of 4 failed: $*" >&2
		sleep $((try * 5))
	done
	return 1
}

# check_packages installs what is missing.
check_packages() {
	local packages=()
	read -ra packages <<<"$(missing | tr '\n' ' ')"
	((${#packages[@]} > 0)) || return 0
	[[ $install == yes ]] || { skip "not installed: ${packages[*]}"; return; }
	command -v apt-get >/dev/null || { skip "not installed: ${packages[*]} (there is no apt-get)"; return; }
	[[ $(id -u) == 0 ]] || command -v sudo >/dev/null || { skip "not installed: ${packages[*]} (that needs root or sudo)"; return; }
	echo "installing ${packages[*]} (--no-install forbids that)"
	again as_root apt-get -q update || return 1
	again as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${packages[@]}" || return 1
	# The package starts a broker on port 1883. The tests start their own on other ports.
	if [[ " ${packages[*]} " == *' mosquitto '* ]]; then
		if [[ -d /run/systemd/system ]]; then
			as_root systemctl stop mosquitto || true
		elif [[ -x /etc/init.d/mosquitto ]]; then
			as_root /etc/init.d/mosquitto stop || true
		fi
	fi
	packages=()
	read -ra packages <<<"$(missing | tr '\n' ' ')"
	((${#packages[@]} == 0)) || { echo "still not there: ${packages[*]}"; return 1; }
}

# tool NAME PACKAGE VERSION: prints the path of a Go tool of exactly this version, kept in a cache folder of its own.
tool() {
	local cache
	cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-check/$1-$3-$(go env GOVERSION) || return 1
	if [[ ! -x $cache/$1 ]]; then
		mkdir -p "$cache" || return 1
		GOBIN=$cache GOFLAGS='' go install "$2@$3" >&2 && [[ -x $cache/$1 ]] || return 1
	fi
	printf '%s' "$cache/$1"
}

# --- parts ---------------------------------------------------------------------

check_format() {
	local bad
	[[ $(printf 'package  main\n' | gofmt -l) == '<standard input>' ]] || { echo 'gofmt does not report bad formatting'; return 1; }
	bad=$(find . -name '*.go' -exec gofmt -l {} +) || return 1
	[[ -z $bad ]] || { printf 'gofmt -w would change:\n%s\n' "$bad"; return 1; }
}

check_vet() {
	faulty_reported go vet ${race[@]+"${race[@]}"} || return 1
	go vet ${race[@]+"${race[@]}"} ./...
}

check_static() {
	local bin
	bin=$(tool staticcheck honnef.co/go/tools/cmd/staticcheck "$staticcheck_version") ||
		{ skip "staticcheck $staticcheck_version cannot be installed"; return; }
	faulty_reported "$bin" || return 1
	GOFLAGS="$GOFLAGS ${race[*]-}" "$bin" ./...
}

# The binary of scripts/build.sh sends a message through its own broker: password, WebSocket and jq.
check_build() (
	bash scripts/build.sh "$tmp/mqtt" && [[ -x $tmp/mqtt ]] || return 1
	PATH=$tmp:$PATH
	printf 'secret\n' | mqtt broker passwd "$tmp/passwords" someone 2>/dev/null || return 1
	printed=$(XDG_CONFIG_HOME=$tmp mqtt broker --listen ws://127.0.0.1:0/mqtt --passwords "$tmp/passwords" -- sh -c '
		mqtt pub -u someone -P secret -t a -q 1 -r -m "{\"a\":1}" && mqtt sub -u someone -P secret -t a -C 1 -W 60 --jq ".a + 1"') || return 1
	[[ $printed == 2 ]] || { echo "printed: $printed"; return 1; }
)

# tests runs all tests. TestMutants runs the cases of mqtt check with 240 faulty servers, which takes minutes with the race detector.
# Other tests run that code with it.
tests() {
	local status=0
	go test -json -vet=off -timeout 30m ${race[@]+"${race[@]}"} -skip '^TestMutants$' ./... || status=1
	go test -json -vet=off -timeout 30m -run '^TestMutants$' ./internal/check || status=1
	return "$status"
}

check_test() {
	((${#race[@]} > 0)) || echo 'the race detector: there is no C compiler' >>"$tmp/skipped"
	go build -o "$tmp/summary" ./scripts/summary || return 1
	tests | "$tmp/summary" -to "$tmp/counts"
}

check_fuzz() { FUZZ_PARALLEL=$parallel bash scripts/fuzz.sh "$fuzztime"; }

# The tests do not run on other systems here, but all packages are compiled and vetted for them, without optimization, which
# takes less time.
check_cross() {
	local target failed=0 fast='all=-N -l'
	for target in windows/amd64 darwin/amd64 freebsd/amd64 linux/arm; do
		echo "-- $target"
		rm -f "$tmp/cross"
		CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -gcflags="$fast" -o "$tmp/cross" ./cmd/mqtt && [[ -s $tmp/cross ]] &&
			CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go vet -gcflags="$fast" ./... || failed=1
	done
	return "$failed"
}

# The database of vulnerabilities is on the network.
check_vuln() {
	local bin out status=0
	bin=$(tool govulncheck golang.org/x/vuln/cmd/govulncheck "$govulncheck_version") ||
		{ skip "govulncheck $govulncheck_version cannot be installed"; return; }
	out=$("$bin" ./... 2>&1) || status=$?
	printf '%s\n' "$out"
	if ((status == 0)); then
		grep -q 'No vulnerabilities found' <<<"$out" || { echo 'govulncheck has found nothing, and does not say so'; return 1; }
		return 0
	fi
	if ((status == 1)) && grep -qE '^govulncheck: fetching vulnerabilities: ' <<<"$out"; then
		skip "the database of vulnerabilities cannot be reached"
		return
	fi
	return 1
}

title() {
	case $1 in
	packages) echo 'packages that the tests need' ;;
	format) echo 'gofmt' ;;
	vet) echo 'go vet' ;;
	static) echo "staticcheck $staticcheck_version" ;;
	build) echo 'the binary of scripts/build.sh' ;;
	test) echo 'go test' ;;
	fuzz) echo "fuzz, $fuzztime for each target" ;;
	cross) echo 'build and vet for other systems' ;;
	vuln) echo "govulncheck $govulncheck_version" ;;
	esac
}

if [[ ${1:-} == --no-install ]]; then
	install=no
	shift
fi
(($# == 0)) || parts=("$@")
for part in "${parts[@]}"; do
	[[ $part != packages ]] && declare -F "check_$part" >/dev/null || {
		echo "check: no part '$part'; there are: format vet static build test fuzz cross vuln" >&2
		exit 2
	}
done
[[ " ${parts[*]} " != *' test '* ]] || parts=(packages "${parts[@]}")

touch "$tmp/skipped"
passed=0 failures=()
for part in "${parts[@]}"; do
	# The race detector needs a C compiler, which the first part installs.
	if [[ ${parts[0]} == packages && $part != packages ]] && compiles; then race=(-race); fi
	heading "$(title "$part")"
	SECONDS=0 status=0
	"check_$part" || status=$?
	case $status in
	0)
		echo "ok: $part (${SECONDS} s)"
		[[ $part == test ]] || passed=$((passed + 1))
		;;
	"$skipped_status")
		echo "skipped: $part: $(<"$tmp/reason")"
		echo "$part: $(<"$tmp/reason")" >>"$tmp/skipped"
		;;
	*)
		echo "FAILED: $part (${SECONDS} s)"
		failures+=("$part")
		;;
	esac
done

failed=${#failures[@]}
if [[ -s $tmp/counts ]]; then # the part "test" counts tests instead of itself
	read -r tests_passed tests_failed _ <"$tmp/counts"
	tail -n +2 "$tmp/counts" >>"$tmp/skipped"
	if ((tests_failed > 0)); then failed=$((failed - 1)); fi
	passed=$((passed + tests_passed)) failed=$((failed + tests_failed))
fi
skipped=$(wc -l <"$tmp/skipped")
if ((skipped > 0)); then
	heading 'not checked'
	cat "$tmp/skipped"
fi
if ((${#failures[@]} > 0)); then
	heading "FAILED: ${failures[*]}"
elif ((skipped > 0)); then
	heading 'nothing failed, but not everything was checked'
else
	heading 'all good'
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((${#failures[@]} == 0))
