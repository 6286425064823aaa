// What is in the bundles, and what must not be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Bundle, most bytes. */
const BUNDLES: [name: string, maxBytes: number][] = [
  ['extension.js', 275_000],
  ['models.js', 80_000],
  ['engine.js', 700_000],
  ['cli.js', 710_000],
  ['webview.js', 220_000],
  ['download.js', 100_000],
];
/** Ways to open a connection. */
const NETWORK = [
  /\bfetch\(/,
  /\bXMLHttpRequest\b/,
  /\bWebSocket\b/,
  /require\("(node:)?(http|https|http2|net|tls|dgram|dns)"\)/,
];

/** The one bundle that may open connections. The others load it when somebody wants to download something. */
const DOWNLOAD = 'download.js';

for (const [name, maxBytes] of BUNDLES) {
  const text = readFileSync(join('dist', name), 'utf8');
  if (name === DOWNLOAD) test(`${name} opens connections`, () => assert.ok(NETWORK.some((way) => way.test(text))));
  else
    test(`${name} opens no connection`, () => {
      for (const way of NETWORK) assert.doesNotMatch(text, way);
    });
  test(`${name} is at most ${maxBytes} bytes`, () => assert.ok(text.length <= maxBytes, `${text.length} bytes`));
}
