#!/bin/sh
# Trains on this machine, in the folder that carry.sh packed:  ./gpu.sh --size 34M --minutes 22 --out DIR   (other options: those of train_gpu.py)
# DIR gets the log and the averaged weights in parts, as often as they are written; RUN (./run) keeps the checkpoint, from which the same command goes on.
# WAIT=560 ./gpu.sh … comes back after so many seconds and leaves the training alone, in a session of its own; the same command again waits for it.
cd "$(dirname "$0")" || exit
RUN=${RUN:-run}
out= options=
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift ;;
    *) options="$options $1" ;;
  esac
  shift
done
[ -d start ] && options="--from start $options"
mkdir -p "$RUN" "${out:-$RUN}"
if ! grep -qs train_gpu "/proc/$(cat "$RUN/pid" 2> /dev/null)/cmdline"; then
  # shellcheck disable=SC2086
  setsid "${PYTHON:-python3}" train_gpu.py --work "$RUN" $options >> "$RUN/train.log" 2>&1 < /dev/null &
  echo $! > "$RUN/pid"
fi
pid=$(cat "$RUN/pid")
running() { [ -d "/proc/$pid" ] && ! grep -qs '^State:.Z' "/proc/$pid/status"; }
bring() {
  [ -n "$out" ] && for file in "$RUN"/log.jsonl "$RUN"/train.log "$RUN"/parts/*.part "$RUN"/parts/manifest.json; do
    if [ -f "$file" ] && ! [ "$out/${file##*/}" -nt "$file" ]; then cp "$file" "$out/"; fi
  done
}
trap 'kill "$pid"; while running; do sleep 1; done; bring; exit 143' TERM INT
seconds=0
while running && [ "$seconds" -lt "${WAIT:-1000000}" ]; do
  sleep 2
  seconds=$((seconds + 2))
  [ $((seconds % 20)) = 0 ] && bring && tail -n 1 "$RUN/train.log"
done
bring
tail -n 15 "$RUN/train.log"
running && echo "goes on, pid $pid" || [ -f "$RUN/parts/manifest.json" ]
