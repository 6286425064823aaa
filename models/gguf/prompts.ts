// Ten prompts for the comparison with llama.cpp: five with a hole, five to go on with.

export interface Prompt {
  path: string;
  prefix: string;
  /** What stands after the cursor; '' for a text to go on with. */
  suffix: string;
}

export const PROMPTS: Prompt[] = [
  {
    path: 'src/queue.ts',
    prefix: 'export class Queue<T> {\n  private items: T[] = [];\n\n  get size(): number {\n    return this.',
    suffix: ';\n  }\n}\n',
  },
  { path: 'add.js', prefix: 'function add(a, b) {\n  return ', suffix: '\n}\n\nmodule.exports = { add };\n' },
  {
    path: 'sum.py',
    prefix: 'def total(values):\n    result = 0\n    for value in ',
    suffix: '\n        result += value\n    return result\n',
  },
  { path: 'package.json', prefix: '{\n  "name": "example",\n  "version": "1.0.0",\n  "main": ', suffix: '\n}\n' },
  { path: 'README.md', prefix: '# example\n\n## Install\n\n```sh\n', suffix: '\n```\n\n## Usage\n' },
  {
    path: 'src/index.ts',
    prefix:
      "import { readFile } from 'node:fs/promises';\n\nexport async function load(path: string): Promise<unknown> {\n  const text = ",
    suffix: '',
  },
  {
    path: 'test/parse.test.js',
    prefix: "const assert = require('assert');\n\ndescribe('parse', function () {\n  it('",
    suffix: '',
  },
  {
    path: 'src/stack.py',
    prefix: 'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(',
    suffix: '',
  },
  { path: 'tsconfig.json', prefix: '{\n  "compilerOptions": {\n    "target": ', suffix: '' },
  { path: 'CHANGELOG.md', prefix: '# Changelog\n\n## 2.0.0\n\n- Added ', suffix: '' },
];
