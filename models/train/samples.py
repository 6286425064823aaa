"""Greedy fill-in-the-middle samples of the exported weights, one JSON line each: path, before, middle, after.

    /usr/bin/python3 samples.py [--model ../glassbox-small]
"""
import argparse, json, math
from pathlib import Path

import torch

from bpe import END, FILE, MIDDLE, PREFIX, SPECIALS, SUFFIX, Tokenizer
from export import load_folder

PROMPTS = [('add.js', 'function add(a, b) {\n  return ', '\n}\n'),
           ('src/stack.py', 'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        ', '\n\n    def pop(self):\n        return self.items.pop()\n'),
           ('src/index.ts', "import { readFile } from 'node:fs/promises';\n\nexport async function load(path: string) {\n  const text = await ", "\n  return JSON.parse(text);\n}\n"),
           ('sum.py', 'def total(values):\n    result = 0\n    for value in ', '\n        result += value\n    return result\n'),
           ('src/queue.ts', 'export class Queue<T> {\n  private items: T[] = [];\n\n  get size(): number {\n    return this.', '\n  }\n}\n'),
           ('test/parse.test.js', "import assert from 'node:assert';\nimport { parse } from '../src/parse.js';\n\ntest('parses a number', () => {\n  assert.", '\n});\n'),
           ('package.json', '{\n  "name": "example",\n  "version": "1.0.0",\n  "main": ', '\n}\n')]


def frame(tokenizer, path, prefix, suffix):
    """The ids of a fill-in-the-middle prompt, suffix first."""
    return [END, FILE, *tokenizer.encode(path + '\n'), PREFIX, SUFFIX, *tokenizer.encode(suffix), MIDDLE, *tokenizer.encode(prefix)]


@torch.no_grad()
def complete(model, ids, limit=48):
    """Greedy continuation, without a cache: (ids before a special token, whether one came); never nothing, as in the engine."""
    out = []
    while len(out) < limit:
        logits = model.model.embed_tokens.weight @ model.hidden(torch.tensor([ids + out]))[0, -1]
        if not out:
            logits[:len(SPECIALS)] = -math.inf
        token = logits.argmax().item()
        if token < len(SPECIALS):
            return out, True
        out.append(token)
    return out, False


def main():
    """Prints the samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default=str(Path(__file__).parent.parent / 'glassbox-small'))
    folder = parser.parse_args().model
    model, tokenizer = load_folder(folder), Tokenizer(Path(folder, 'tokenizer.json'))
    for path, prefix, suffix in PROMPTS:
        ids, _ = complete(model, frame(tokenizer, path, prefix, suffix))
        print(json.dumps([path, prefix, tokenizer.decode(ids), suffix], ensure_ascii=False), flush=True)


if __name__ == '__main__':
    main()
