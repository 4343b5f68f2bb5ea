#!/usr/bin/env bash
# Builds mqtt as it is released: static, without symbols, and with a version.
#
#   scripts/build.sh OUTPUT [VERSION]      GOOS, GOARCH and GOARM are read from the environment
#
# `CGO_ENABLED=0 go build -trimpath ./cmd/mqtt` builds the same program with symbols, which are 30 % of its size. The go command
# finds the profile for the compiler, cmd/mqtt/default.pgo, by itself.
set -euo pipefail
output=$(realpath -m "${1:?usage: scripts/build.sh OUTPUT [VERSION]}")
cd "$(dirname "$0")/.."
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${2:-}" -o "$output" ./cmd/mqtt
