#!/bin/sh
# Packs work/carry: all that a machine with python3, torch and numpy needs to train (there: ./gpu.sh), and takes what comes back.
#   ./carry.sh [--from FILE [BITS]]       --from: start from the weights of a checkpoint, with 16, 12 or 8 bits each (see parts.py)
#   ./carry.sh --unpack DIR [FILE]        joins the parts in DIR to a checkpoint, work/gpu.pt; export.py --checkpoint reads it
cd "$(dirname "$0")" || exit
set -e
python=${PYTHON:-/usr/bin/python3}
if [ "$1" = --unpack ]; then
  exec "$python" parts.py unpack "$2" "${3:-work/gpu.pt}"
fi
"$python" tokenise.py
mkdir -p work/carry
cp data.py fused.py model.py optim.py parts.py train_gpu.py gpu.sh ../glassbox-small/tokenizer.json work/carry/
[ work/carry/tokens.npz.xz -nt work/tokens.npz ] || nice xz --lzma2=preset=6,lp=1,pb=1 -c work/tokens.npz > work/carry/tokens.npz.xz
rm -rf work/carry/start
[ "$1" = --from ] && "$python" parts.py pack "$2" work/carry/start $3
du -sh work/carry
