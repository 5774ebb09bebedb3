#!/usr/bin/env bash
# Compares what compress promises of its memory with what it uses (VmHWM), on Qwen1.5-MoE shapes.
#
#   Tests/memory-promise.sh            five values of --memory on 4 layers, then 8 and 16 layers
#   WORK=DIR …                         where the checkpoints go: 6, 11 and 21 GB
#   LAYERS='4' VALUES='2GB' …          fewer of them
#
# Fails if a peak is above its promise or its estimate, if an estimate above 300 MB exceeds the peak by
# more than half, or if the peaks by layers differ by 10 % or more.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
moepack=${MOEPACK:-$here/.build/release/moepack}
work=${WORK:-$(mktemp -d)}
values=${VALUES:-1120MB 1200MB 1300MB 2GB 4GB}
layers=${LAYERS:-4 8 16}
tokens=${TOKENS:-2048}
failed=0
declare -A sums=()
mkdir -p "$work"

maker=$work/make-synthetic
[ -x "$maker" ] || swiftc -swift-version 6 -O -o "$maker" "$here/Tests/Benchmarks/make-synthetic/main.swift"

number() { sed -nE "s/^ *\"$1\": ([0-9]+),?$/\1/p"; }
bytes() { case $1 in *MB) echo "${1%MB}000000" ;; *GB) echo "${1%GB}000000000" ;; esac; }

# measure LAYERS VALUE: one run; prints a line and leaves its peak in `peak`.
measure() {
  local model=$work/model-$1 out=$work/out.moepack line estimate
  [ -d "$model" ] || "$maker" "$model" --layers "$1" >/dev/null
  line=("$moepack" compress "$model" -o "$out" --ids "$model/ids.json" --tokens "$tokens" --memory "$2" --json --force --restart)
  estimate=$("${line[@]}" --dry-run 2>/dev/null | number estimatedPeakMemory)
  # What the kernel says of the process, not what the process says of itself; GNU time gives kB.
  peak=$(/usr/bin/time -f %M "${line[@]}" 2>&1 >"$work/report" | tee "$work/err" | tail -n 1)
  peak=$((peak * 1024))
  [ -s "$work/report" ] || { cat "$work/err" >&2; exit 1; }
  local word=kept
  [ "$peak" -le "$(bytes "$2")" ] && [ "$peak" -le "$estimate" ] || word=BROKEN
  [ "$estimate" -le 300000000 ] || [ "$estimate" -le $((peak * 3 / 2)) ] || word=LOOSE
  [ $word = kept ] || failed=1
  local sum; sum=$(cksum <"$out")
  [ "${sums[$1]:-$sum}" = "$sum" ] || { word="OTHER BYTES"; failed=1; }
  sums[$1]=$sum
  echo "$1 layers, --memory $2: estimate $((estimate / 1000000)) MB, peak $((peak / 1000000)) MB: $word"
}

for value in $values; do measure "${layers%% *}" "$value"; done
least=$peak most=$peak
for count in ${layers#* }; do
  [ "$count" != "${layers%% *}" ] || continue
  measure "$count" "${values##* }"
  [ "$peak" -ge "$least" ] || least=$peak
  [ "$peak" -le "$most" ] || most=$peak
done
if [ $((most * 10)) -ge $((least * 11)) ]; then
  echo "peaks by layers: $((least / 1000000)) to $((most / 1000000)) MB"
  failed=1
fi
[ -n "${WORK:-}" ] || rm -rf "$work"
exit $failed
