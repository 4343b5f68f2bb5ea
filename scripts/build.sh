#!/usr/bin/env bash
# Builds mqtt as it is released: static, stripped, reproducible, and quick to start.
#
#   scripts/build.sh OUTPUT [VERSION]      GOOS and GOARCH are the environment's
#
# A plain `go build ./cmd/mqtt` gives the same program, which takes longer to start: the
# jq library builds its table of 200 definitions at every start, whether an expression
# is used or not. Here it is compiled with that table behind a function that runs when
# it is first asked for.
set -euo pipefail
output=$(realpath -m "${1:?usage: scripts/build.sh OUTPUT [VERSION]}")
version=${2:-}
cd "$(dirname "$0")/.."

# patched MODULE: a copy of the jq library in .build, changed in three places. Fails where
# the library is another one than this script knows.
patched() {
	local from=$1 to=.build/gojq
	grep -q '^func init() {$' "$from/builtin.go" &&
		[ "$(grep -c builtinFuncDefs "$from/compiler.go")" = 2 ] &&
		grep -q '^var builtinFuncDefs map' "$from/func.go" || return 1
	rm -rf .build/gojq && mkdir -p "$to" && cp "$from"/*.go "$from/go.mod" "$to" && chmod -R u+w "$to"
	sed -i 's/^func init() {$/func makeBuiltins() {/' "$to/builtin.go"
	sed -i 's/builtinFuncDefs/lazyBuiltins()/' "$to/compiler.go"
	cat >"$to/lazy.go" <<'GO'
package gojq

import "sync"

var builtinsOnce sync.Once

func lazyBuiltins() map[string][]*FuncDef {
	builtinsOnce.Do(makeBuiltins)
	return builtinFuncDefs
}
GO
}

mod=()
go mod download github.com/itchyny/gojq
if patched "$(go list -m -f '{{.Dir}}' github.com/itchyny/gojq)"; then
	cp go.mod .build/go.mod
	cp go.sum .build/go.sum
	go mod edit -replace github.com/itchyny/gojq=./.build/gojq .build/go.mod
	mod=(-modfile .build/go.mod)
else
	echo "build.sh: the jq library is another one than this script knows: built as it is" >&2
fi
CGO_ENABLED=0 go build -trimpath -buildvcs=false "${mod[@]}" -ldflags "-s -w -buildid= -X main.release=$version" -o "$output" ./cmd/mqtt
