// Where a folder's chat template is read from.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTemplate } from '../../src/engine/chat/templateFile';
import { EngineError } from '../../src/engine/errors';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-chat-'));
after(() => rmSync(scratch, { recursive: true }));

const PLACES: { name: string; files: Record<string, unknown>; found: string | RegExp | undefined; in?: string }[] = [
  { name: 'none', files: {}, found: undefined },
  {
    name: 'a text in tokenizer_config.json',
    files: { 'tokenizer_config.json': { chat_template: 'A' } },
    found: 'A',
    in: 'tokenizer_config.json',
  },
  {
    name: 'the one called default',
    files: {
      'tokenizer_config.json': {
        chat_template: [
          { name: 'tool_use', template: 'T' },
          { name: 'default', template: 'D' },
        ],
      },
    },
    found: 'D',
    in: 'tokenizer_config.json',
  },
  {
    name: 'the only one',
    files: { 'tokenizer_config.json': { chat_template: [{ name: 'any', template: 'O' }] } },
    found: 'O',
    in: 'tokenizer_config.json',
  },
  {
    name: 'none called default',
    files: {
      'tokenizer_config.json': {
        chat_template: [
          { name: 'a', template: 'A' },
          { name: 'b', template: 'B' },
        ],
      },
    },
    found: /tokenizer_config\.json cannot be used.*default/,
  },
  {
    name: 'a number',
    files: { 'tokenizer_config.json': { chat_template: 7 } },
    found: /tokenizer_config\.json cannot be used/,
  },
  {
    name: 'chat_template.jinja comes first',
    files: { 'chat_template.jinja': 'J', 'tokenizer_config.json': { chat_template: 'A' } },
    found: 'J',
    in: 'chat_template.jinja',
  },
  {
    name: 'chat_template.json comes last',
    files: { 'chat_template.json': { chat_template: 'L' } },
    found: 'L',
    in: 'chat_template.json',
  },
  {
    name: 'a damaged chat_template.json',
    files: { 'chat_template.json': '{' },
    found: /chat_template\.json cannot be used/,
  },
];
for (const [i, { name, files, found, in: file }] of PLACES.entries()) {
  test(`where a template is: ${name}`, () => {
    const dir = join(scratch, `place-${i}`);
    mkdirSync(dir);
    for (const [path, content] of Object.entries(files))
      writeFileSync(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content));
    const read = (): unknown => readTemplate(dir, (files['tokenizer_config.json'] ?? {}) as Record<string, unknown>);
    if (found instanceof RegExp)
      assert.throws(read, (error) => error instanceof EngineError && found.test(error.message));
    else assert.deepEqual(read(), found === undefined ? undefined : { text: found, path: join(dir, file as string) });
  });
}
