#!/usr/bin/env bash
# Kills `moepack compress` at random moments, goes on with it, and compares the bytes.
#
#   Tests/kill-and-resume.sh                      50 kills of a checkpoint made for it (10 minutes)
#   KILLS=8 SHAPES='…' Tests/kill-and-resume.sh   other numbers, other shapes
#   MODEL=DIR OPTIONS='…' Tests/kill-and-resume.sh   a checkpoint that is there
#   STAGES=1 …                                    one run, killed once in every stage
#
# Each round is a run that is killed (SIGKILL, now and then SIGINT or SIGTERM) once or more, then left
# to end; its pack must have the bytes of the undisturbed run, and nothing may be left beside it. The
# moments cover the whole of the run, so that every stage is hit; which were hit is printed.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
moepack=${MOEPACK:-$here/.build/release/moepack}
kills=${KILLS:-50}
work=${WORK:-$(mktemp -d)}
shapes=${SHAPES:---layers 3 --experts 24 --hidden 512 --width 256 --shared 512 --vocab 4000 --tokens 16384}
RANDOM=${SEED:-1}

fail() { echo "FAILED: $*" >&2; exit 1; }
now() { date +%s%N; }
tenths() { echo $(($1 / 1000000000)).$(($1 / 100000000 % 10)); }

[ -x "$moepack" ] || fail "no program at $moepack; run make build"
mkdir -p "$work"
model=${MODEL:-$work/model}
if [ -z "${MODEL:-}" ]; then
  maker=$work/make-synthetic
  [ -x "$maker" ] || swiftc -swift-version 6 -O -o "$maker" "$here/Tests/Benchmarks/make-synthetic/main.swift"
  # shellcheck disable=SC2086
  [ -d "$model" ] || "$maker" "$model" $shapes >/dev/null
fi
options=${OPTIONS:---ids $model/ids.json}

out=$work/out; rm -rf "$out"; mkdir "$out"
compress() { # shellcheck disable=SC2086
  "$moepack" compress "$model" -o "$out/$1" $options >/dev/null 2>"$work/$1.err"
}

start=$(now)
compress whole.moepack || fail "the undisturbed run: $(cat "$work/whole.moepack.err")"
whole=$(($(now) - start))
echo "undisturbed: $(tenths $whole) s, $(stat -c %s "$out/whole.moepack") bytes"

# What the journal says was done last when a run was killed.
reached() {
  [ -e "$out/x.moepack.partial-journal" ] || { echo "before the journal"; return; }
  tail -n 1 "$out/x.moepack.partial-journal" | cut -c 18-200 \
    | sed -E 's/^\{"key":"([^"]*)".*/after \1/; s/^\{"moepackJournal".*/in measure/; s/search\.[0-9]+/search/'
}

# Whole lines of the journal.
lines() { if [ -e "$out/x.moepack.partial-journal" ]; then wc -l <"$out/x.moepack.partial-journal"; else echo 0; fi; }

# A run that finds a journal must go on with it; in `$1` is what it said.
went_on() { grep -q "going on with the unfinished run" "$1" || fail "it began anew: $(cat "$1")"; }

# What a resumed run must have come to.
check() {
  local left
  cmp "$out/x.moepack" "$out/whole.moepack" || fail "$1: other bytes"
  left=$(ls -A "$out" | grep -v -e '^whole.moepack$' -e '^x.moepack$' || true)
  [ -z "$left" ] || fail "$1: left over: $left"
}

# One chain of runs, each killed soon after it writes a journal's line of the key.
every_stage() {
  local key journal=$out/x.moepack.partial-journal before=0
  for key in '"moepackJournal"' '"key":"pass.measure"' '"key":"search' '"key":"pass.reception' \
    '"expert":{' '"key":"pass.factor'; do
    "$moepack" compress "$model" -o "$out/x.moepack" $options >/dev/null 2>"$work/x.err" &
    compress_pid=$!
    # Only lines that this run has added count.
    until tail -n +$((before + 1)) "$journal" 2>/dev/null | grep -q "$key"; do
      kill -0 $compress_pid 2>/dev/null || fail "no '$key' in the journal: $(cat "$work/x.err")"
      sleep 0.05
    done
    sleep "0.$((RANDOM % 5))"
    kill -s KILL $compress_pid 2>/dev/null || fail "the run ended after '$key'"
    { wait $compress_pid || true; } 2>/dev/null
    [ ! -e "$out/x.moepack" ] || fail "something unfinished is at the final name"
    [ "$before" -eq 0 ] || went_on "$work/x.err"
    before=$(lines)
    echo "killed $(reached)"
  done
  compress x.moepack || fail "going on: $(cat "$work/x.moepack.err")"
  went_on "$work/x.moepack.err"
  check "every stage"
  echo "every stage: same bytes"
}

# Rounds of runs killed at random moments.
random_moments() {
  local -A hits=()
  done_kills=0 rounds=0
  while [ "$done_kills" -lt "$kills" ]; do
    rounds=$((rounds + 1))
    rm -f "$out"/x.moepack*
    while :; do
      # One in five goes for the first moments of a run, the others for all of what is left of it.
      span=$whole; [ $((RANDOM % 5)) -gt 0 ] || span=$((whole / 10))
      pause=$((span / 1000 * (RANDOM % 1000)))
      case $((RANDOM % 6)) in 0) signal=INT ;; 1) signal=TERM ;; *) signal=KILL ;; esac
      # A job in the background ignores SIGINT unless it is told otherwise.
      journaled=$(lines)
      # shellcheck disable=SC2086
      env --default-signal=INT "$moepack" compress "$model" -o "$out/x.moepack" $options >/dev/null 2>"$work/x.err" &
      compress_pid=$!
      sleep "$(printf '%d.%09d' $((pause / 1000000000)) $((pause % 1000000000)))"
      kill -s $signal $compress_pid 2>/dev/null || true
      killed=$(now) status=0
      { wait $compress_pid || status=$?; } 2>/dev/null # The shell would tell of each kill.
      took=$((($(now) - killed) / 1000000))
      # A run that says what it goes on with was not killed before it could.
      [ "$journaled" -eq 0 ] || [ ! -s "$work/x.err" ] || went_on "$work/x.err"
      [ $status -ne 0 ] || break
      case $signal:$status in
        KILL:137) ;;
        INT:130 | TERM:143)
          [ $took -lt 1000 ] || fail "round $rounds: SIG$signal took $took ms"
          [ "$(lines)" -lt 2 ] || grep -q "to go on: " "$work/x.err" \
            || fail "round $rounds: no line that goes on: $(cat "$work/x.err")" ;;
        *) fail "round $rounds: SIG$signal gave status $status: $(cat "$work/x.err")" ;;
      esac
      [ ! -e "$out/x.moepack" ] || cmp -s "$out/x.moepack" "$out/whole.moepack" || fail "round $rounds: something unfinished is at the final name"
      stage=$(reached)
      hits[$stage]=$((${hits[$stage]:-0} + 1))
      done_kills=$((done_kills + 1))
      # Half of the rounds are killed again.
      if [ $((RANDOM % 2)) -eq 0 ] || [ $done_kills -ge "$kills" ]; then
        journaled=$(lines)
        compress x.moepack || fail "round $rounds: going on after $stage: $(cat "$work/x.moepack.err")"
        [ "$journaled" -eq 0 ] || went_on "$work/x.moepack.err"
        break
      fi
    done
    check "round $rounds"
    echo "round $rounds: same bytes, $done_kills kills so far"
  done

  echo "kills by what was done last:"
  for stage in "${!hits[@]}"; do echo "  $stage: ${hits[$stage]}"; done | sort
}

if [ -n "${STAGES:-}" ]; then every_stage; else random_moments; fi
[ -n "${WORK:-}" ] || rm -rf "$work"
