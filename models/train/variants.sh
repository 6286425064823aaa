#!/bin/sh
# Measures the ways to store the weights of ../glassbox-small, whatever they are now: work/variants/*.onnx, a table, measured/variants.json.
set -e
cd "$(dirname "$0")"
PYTHON="${PYTHON:-/usr/bin/python3}"
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$PYTHON" export.py --variants work/variants
node variants.mjs "$@"
