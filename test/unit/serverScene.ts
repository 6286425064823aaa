// A server that plays what was recorded, and an engine that asks it.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { CompletionRequest } from '../../src/protocol';
import { readAddress, type Address } from '../../src/server/address';
import { ServerEngine } from '../../src/server/serverEngine';
import { fakeServer, type Fake, type Replies } from './serverFake';

const started: Fake[] = [];
after(() => Promise.all(started.map((fake) => fake.close())));

/** What is asked; a part of it may be said otherwise. */
export const request = (more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix: 'function add(a, b) {\n  return ',
  suffix: '\n}\n',
  path: 'src/add.js',
  context: [{ path: 'src/other.js', text: 'const other = 1;\n' }],
  maxTokens: 16,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 3 },
  raw: false,
  ...more,
});
/** The signal of a request that nobody calls off. */
export const never = new AbortController().signal;
/** The address that a setting names. */
export const addressOf = (url: string): Address => {
  const address = readAddress(url);
  assert.ok(address !== undefined && !('fault' in address), url);
  return address;
};

/** A server that is closed when the tests are done. */
export async function played(replies: Replies): Promise<Fake> {
  const fake = await fakeServer(replies);
  started.push(fake);
  return fake;
}

/** Fails where one of the fields is another. */
export function hasFields(found: object | undefined, fields: object): void {
  const own = Object.entries(found ?? {}).filter(([name]) => name in fields);
  assert.deepEqual(Object.fromEntries(own), fields);
}

/** The engine that asks a server, with little patience. */
export const engineFor = (fake: Fake, model = '', key?: string): ServerEngine =>
  new ServerEngine({
    address: addressOf(fake.url),
    model,
    key,
    log: () => undefined,
    patience: { probe: 1000, first: 1000, next: 300 },
  });
