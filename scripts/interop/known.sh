# shellcheck shell=bash
# What is known about others, with the evidence that must stand in the trace for it to
# count. Sourced by scripts/interop.sh. The first entry that fits is taken.
#
#   known SERVER-OR-CLIENT FEATURE no|theirs EVIDENCE WORDS
