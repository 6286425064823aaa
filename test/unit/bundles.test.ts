// What is in the bundles, and what must not be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Bundle, most bytes. */
const BUNDLES: [name: string, maxBytes: number][] = [
  ['extension.js', 260_000],
  ['engine.js', 560_000],
  ['cli.js', 560_000],
  ['webview.js', 220_000],
  ['server.js', 80_000],
];
/** Ways to open a connection. */
const NETWORK = [
  /\bfetch\(/,
  /\bXMLHttpRequest\b/,
  /\bWebSocket\b/,
  /require\("(node:)?(http|https|http2|net|tls|dgram|dns)"\)/,
];

/** The one that may, and how; the extension loads it where the setting glassbox.server.url is set, and only then. */
const CONNECTED = { name: 'server.js', way: NETWORK[0] };

for (const [name, maxBytes] of BUNDLES) {
  const text = readFileSync(join('dist', name), 'utf8');
  const barred = NETWORK.filter((way) => name !== CONNECTED.name || way !== CONNECTED.way);
  test(`${name} opens no connection${name === CONNECTED.name ? ' but by fetch' : ''}`, () => {
    for (const way of barred) assert.doesNotMatch(text, way);
  });
  test(`${name} is at most ${maxBytes} bytes`, () => assert.ok(text.length <= maxBytes, `${text.length} bytes`));
}
