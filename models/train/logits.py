"""The reference answers of the exported weights, from PyTorch in fp32.

    echo '{"ids": [0, 104, 320]}' | /usr/bin/python3 logits.py --model ../glassbox-small     one JSON line a line
    /usr/bin/python3 logits.py --golden ../../test/golden/logits.json                       writes the test cases
"""
import argparse, json, sys
from pathlib import Path

import torch

from export import load_folder


@torch.no_grad()
def answer(model, ids):
    """(argmax of every position, logits of the last one [vocab])"""
    logits = model(torch.tensor([ids]))[0]
    return logits.argmax(-1).tolist(), logits[-1].tolist()


def golden(model, folder, path):
    """Writes three cases of at most 60 ids."""
    from bpe import END, FILE, MIDDLE, PREFIX, SUFFIX, Tokenizer
    from samples import PROMPTS
    tokenizer, rows = Tokenizer(Path(folder, 'tokenizer.json')), []
    for name, before, after in PROMPTS[:3]:
        ids = [END, FILE, *tokenizer.encode(name + '\n'), PREFIX, SUFFIX, *tokenizer.encode(after), MIDDLE, *tokenizer.encode(before)][:60]
        argmax, last = answer(model, ids)
        rows.append(json.dumps({'ids': ids, 'argmax': argmax, 'last': [round(x, 5) for x in last]}))
    Path(path).write_text('[\n' + ',\n'.join(rows) + '\n]\n')


def main():
    """See the commands above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default=str(Path(__file__).parent.parent / 'glassbox-small'))
    parser.add_argument('--golden', help='the file to write')
    arguments = parser.parse_args()
    model = load_folder(arguments.model)
    if arguments.golden:
        golden(model, arguments.model, arguments.golden)
        return
    for line in sys.stdin:
        if line.strip():
            argmax, last = answer(model, json.loads(line)['ids'])
            print(json.dumps({'last': last, 'argmax': argmax}), flush=True)


if __name__ == '__main__':
    main()
