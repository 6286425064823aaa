// What is in the bundles, and what must not be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Bundle, most bytes. */
const BUNDLES: [name: string, maxBytes: number][] = [
  ['extension.js', 220_000],
  ['models.js', 50_000],
  ['engine.js', 520_000],
  ['cli.js', 530_000],
  ['webview.js', 150_000],
  ['download.js', 70_000],
  ['server.js', 55_000],
];
/** Ways to open a connection. */
const NETWORK = [
  /\bfetch\(/,
  /\bXMLHttpRequest\b/,
  /\bWebSocket\b/,
  /require\("(node:)?(http|https|http2|net|tls|dgram|dns)"\)/,
];

/** The bundles that may open connections, and how. The others load them when somebody has asked for it. */
const CONNECTED: Record<string, RegExp[]> = { 'download.js': NETWORK, 'server.js': NETWORK.slice(0, 1) };

for (const [name, maxBytes] of BUNDLES) {
  const text = readFileSync(join('dist', name), 'utf8');
  const allowed = CONNECTED[name] ?? [];
  test(`${name} opens ${allowed.length === 0 ? 'no connection' : 'connections only as it may'}`, () => {
    for (const way of NETWORK) if (!allowed.includes(way)) assert.doesNotMatch(text, way);
    assert.ok(allowed.length === 0 || allowed.some((way) => way.test(text)));
  });
  test(`${name} is at most ${maxBytes} bytes`, () => assert.ok(text.length <= maxBytes, `${text.length} bytes`));
}
