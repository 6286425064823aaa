"""What the editor would show in a few places, by the command line of Glassbox (`node dist/cli.js complete`); one JSON line each: path, before, shown, after.

    python3 samples.py
"""
import json, subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BALANCED = 0.25  # the setting glassbox.threshold
PROMPTS = [('add.js', 'function add(a, b) {\n  return ', '\n}\n'),
           ('src/stack.py', 'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        self.', '\n\n    def pop(self):\n        return self.items.pop()\n'),
           ('src/index.ts', "import { readFile } from 'node:fs/promises';\n\nexport async function load(path: string) {\n  const text = await readF", "\n  return JSON.parse(text);\n}\n"),
           ('sum.py', 'def total(values):\n    result = 0\n    for value in ', '\n        result += value\n    return result\n'),
           ('src/queue.ts', 'export class Queue<T> {\n  private items: T[] = [];\n\n  get size(): number {\n    return this.', '\n  }\n}\n'),
           ('src/loop.js', 'function print(items) {\n  for (let i = 0; i < ', ''),
           ('test/parse.test.js', "import assert from 'node:assert';\nimport { parse } from '../src/parse.js';\n\ntest('parses a number', () => {\n  assert.", '\n});\n'),
           ('src/errors.ts', 'export class EmptyError extends Error {\n  constructor(mess', '\n}\n'),
           ('package.json', '{\n  "name": "example",\n  "version": "1.0.0",\n  "main": ', '\n}\n'),
           ('README.md', '# Example\n\n## Install\n\n```sh\nnpm ', '\n```\n')]


def main():
    """Prints the samples."""
    requests = [{'id': path, 'path': path, 'prefix': before, 'suffix': after, 'temperature': 0, 'maxTokens': 48, 'minProbability': BALANCED} for path, before, after in PROMPTS]
    answers = subprocess.run(['node', 'dist/cli.js', 'complete'], cwd=ROOT, input='\n'.join(map(json.dumps, requests)), capture_output=True, text=True, check=True).stdout
    for (path, before, after), answer in zip(PROMPTS, answers.split('\n')):
        print(json.dumps([path, before, json.loads(answer)['text'], after], ensure_ascii=False), flush=True)


if __name__ == '__main__':
    main()
