#!/bin/sh
# Exports the weights trained so far and renews everything that is made from them: model folder, test cases, card, curve.
set -e
cd "$(dirname "$0")"
PYTHON="${PYTHON:-/usr/bin/python3}"
export OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-SKYLAKEX}" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p ../../test/golden
"$PYTHON" export.py "$@"
"$PYTHON" bpe.py golden ../../test/golden/tokenizer.json
"$PYTHON" logits.py --golden ../../test/golden/logits.json
"$PYTHON" samples.py | tee work/samples.jsonl
"$PYTHON" measure.py > work/measured.json
cat work/measured.json
"$PYTHON" plot.py
"$PYTHON" card.py
