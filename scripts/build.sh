#!/usr/bin/env bash
# Builds mqtt as it is released: static, stripped, reproducible, and quick to start.
#
#   scripts/build.sh OUTPUT [VERSION]      GOOS and GOARCH are the environment's
#
# A plain `go build ./cmd/mqtt` gives the same program, which takes longer to start: two
# libraries work at every start whether they are used or not. The jq library builds its
# table of 200 definitions; here it does so when it is first asked for. The WebSocket
# library takes a buffer of 4 KiB for each of a dozen short texts; here they are small.
# And the compiler is told what is busy, by the profile that scripts/profile.sh makes.
set -euo pipefail
output=$(realpath -m "${1:?usage: scripts/build.sh OUTPUT [VERSION]}")
version=${2:-}
cd "$(dirname "$0")/.."

# copy MODULE NAME: the library's own files as .build/NAME, to be changed.
copy() {
	local from
	go mod download "$1"
	from=$(go list -m -f '{{.Dir}}' "$1")
	mkdir -p ".build/$2"
	cp -r "$from"/. ".build/$2"
	chmod -R u+w ".build/$2"
	replace+=(-replace "$1=./.build/$2")
}

# unknown NAME: tells that a library is another one than this script knows.
unknown() {
	echo "build.sh: $1 is another one than this script knows: built as it is" >&2
	unset 'replace[-1]' 'replace[-1]'
}

rm -rf .build
mkdir .build
replace=()

copy github.com/itchyny/gojq gojq
if grep -q '^func init() {$' .build/gojq/builtin.go && [ "$(grep -c builtinFuncDefs .build/gojq/compiler.go)" = 2 ] &&
	grep -q '^var builtinFuncDefs map' .build/gojq/func.go; then
	sed -i 's/^func init() {$/func makeBuiltins() {/' .build/gojq/builtin.go
	sed -i 's/builtinFuncDefs/lazyBuiltins()/' .build/gojq/compiler.go
	cat >.build/gojq/lazy.go <<'GO'
package gojq

import "sync"

var builtinsOnce sync.Once

func lazyBuiltins() map[string][]*FuncDef {
	builtinsOnce.Do(makeBuiltins)
	return builtinFuncDefs
}
GO
else
	unknown gojq
fi

copy github.com/gobwas/ws ws
if [ "$(grep -c 'bw := bufio.NewWriter(&buf)' .build/ws/http.go)" = 2 ]; then
	sed -i 's/bw := bufio.NewWriter(&buf)/bw := bufio.NewWriterSize(\&buf, 256)/' .build/ws/http.go
else
	unknown ws
fi

cp go.mod .build/go.mod
cp go.sum .build/go.sum
mod=()
if [ "${#replace[@]}" -gt 0 ]; then
	go mod edit "${replace[@]}" .build/go.mod
	mod=(-modfile .build/go.mod)
fi
CGO_ENABLED=0 go build -pgo=scripts/mqtt.pgo -trimpath -buildvcs=false "${mod[@]}" -ldflags "-s -w -buildid= -X main.release=$version" -o .build/mqtt ./cmd/mqtt
# Copied as an installation would: a file written in one go is mapped in larger pieces than
# one that the linker wrote here and there, which a start notices.
mkdir -p "$(dirname "$output")"
cp .build/mqtt "$output.part"
mv "$output.part" "$output"
