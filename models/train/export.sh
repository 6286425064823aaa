#!/bin/sh
# Exports the weights trained so far and renews everything that is made from them: model folder, test cases, measurements, pictures, card.
# Needs the gathered text in work/ and the built command line; takes about half an hour, nearly all of it the evaluation. Options go to export.py.
set -e
cd "$(dirname "$0")"
PYTHON="${PYTHON:-/usr/bin/python3}"
export OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-SKYLAKEX}" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p ../../test/golden measured
"$PYTHON" export.py "$@"
"$PYTHON" copying.py > measured/copying.json
"$PYTHON" bpe.py golden ../../test/golden/tokenizer.json
"$PYTHON" logits.py --golden ../../test/golden/logits.json
"$PYTHON" samples.py > measured/samples.jsonl
(cd ../.. && npm run --silent eval:model -- --json) | tee work/eval.txt
tail -n 1 work/eval.txt > measured/eval.json
./variants.sh
"$PYTHON" plot.py
"$PYTHON" scaling.py fit
"$PYTHON" card.py
