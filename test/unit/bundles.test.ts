// What is in the bundles, and what must not be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Bundle, most bytes. */
const BUNDLES: [name: string, maxBytes: number][] = [
  ['extension.js', 290_000],
  ['engine.js', 700_000],
  ['cli.js', 700_000],
  ['webview.js', 220_000],
];
/** Ways to open a connection. */
const NETWORK = [
  /\bfetch\(/,
  /\bXMLHttpRequest\b/,
  /\bWebSocket\b/,
  /require\("(node:)?(http|https|http2|net|tls|dgram|dns)"\)/,
];

for (const [name, maxBytes] of BUNDLES) {
  const text = readFileSync(join('dist', name), 'utf8');
  test(`${name} opens no connection`, () => {
    for (const way of NETWORK) assert.doesNotMatch(text, way);
  });
  test(`${name} is at most ${maxBytes} bytes`, () => assert.ok(text.length <= maxBytes, `${text.length} bytes`));
}
