#!/bin/sh
# Trains in the background at the lowest priority, e.g.  ./run.sh --until 10:15  or  ./run.sh --minutes 60
# Log: work/train.log and work/log.jsonl; process id: work/train.pid; weights so far: work/checkpoint.pt
cd "$(dirname "$0")" && mkdir -p work
setsid nohup nice -n 19 "${PYTHON:-/usr/bin/python3}" train.py "$@" >> work/train.log 2>&1 < /dev/null &
echo $! > work/train.pid
echo "pid $(cat work/train.pid), log $(pwd)/work/train.log"
