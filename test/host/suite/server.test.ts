// A server in the place of the model: with the setting its text is the suggestion and the status says so, nothing of excluded files goes
// there, an address elsewhere waits for consent, and without the setting nothing is sent any more.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import * as vscode from 'vscode';
import type { HostTest, TestContext } from './hostTest';
import { Scratch, suggested } from './scratch';
import { knownModel, setting, settledGhost, sleep, until } from './window';

const TEXT = 'writtenElsewhere();';
const SECRET = 'PASSWORD_OF_THE_HOUSE';

/** A server that speaks as vLLM does and always writes the same. */
interface Fake {
  port: number;
  /** Bodies of all that came to it. */
  bodies: string[];
}

async function fake(t: TestContext, host: string): Promise<Fake> {
  const bodies: string[] = [];
  const choice = (text: string, finish: string | null): string =>
    `data: ${JSON.stringify({ choices: [{ text, finish_reason: finish, logprobs: { tokens: [text], token_logprobs: [-0.01] } }] })}\n\n`;
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      bodies.push(body);
      if (request.url === '/v1/models') response.end(JSON.stringify({ data: [{ id: 'coder', owned_by: 'vllm' }] }));
      else response.end(`${choice(TEXT, null)}${choice('', 'stop')}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, bodies };
}

/** What is suggested at the cursor, once something is. */
function offered(provider: vscode.InlineCompletionItemProvider, editor: vscode.TextEditor): Promise<string> {
  return until('a suggestion', async () => {
    const [item] = await suggested(provider, editor);
    if (item === undefined) return undefined;
    return typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
  });
}

export const tests: HostTest[] = [
  {
    name: 'server: its text is the suggestion while the setting names it, the status says so, and then the model here writes again',
    async run(t) {
      const api = await knownModel(t);
      const { port, bodies } = await fake(t, '127.0.0.1');
      const scratch = new Scratch(t, {
        'a.js': 'const value = ',
        'b.js': 'abc',
        '.env': `KEY=${SECRET}`,
        'hidden/c.js': SECRET,
      });
      await setting(t, 'exclude', ['**/hidden/**']);
      await setting(t, 'server.url', `http://127.0.0.1:${port}`);
      await until('the server', () => api.status().server?.state === 'on' || undefined);
      assert.equal(api.status().server?.host, `127.0.0.1:${port}`);
      for (const file of ['.env', 'hidden/c.js']) {
        assert.deepEqual(await suggested(api.provider, await scratch.show(file)), []);
        await sleep(400);
      }
      assert.equal(bodies.length, 0, 'it was sent something while the cursor was in an excluded file');
      const editor = await scratch.show('a.js');
      assert.ok((await offered(api.provider, editor)).includes(TEXT));
      assert.ok(bodies.some((body) => body.includes('const value = ')));
      assert.ok(
        bodies.every((body) => !body.includes(SECRET)),
        'it was sent text of an excluded file',
      );
      if (t.driver !== undefined) {
        await t.driver.type('x');
        assert.equal((await settledGhost(t.driver)).trim(), TEXT);
        await t.driver.press('Escape');
      }
      await vscode.workspace
        .getConfiguration('glassbox')
        .update('server.url', undefined, vscode.ConfigurationTarget.Global);
      await until('no server', () => api.status().server === undefined || undefined);
      const before = bodies.length;
      const own = await offered(api.provider, await scratch.show('b.js'));
      assert.ok(!own.includes(TEXT), own);
      assert.equal(bodies.length, before);
    },
  },
  {
    // An editor that runs tests refuses to show questions: that counts as not agreed. That consent is enough, unit tests show.
    name: 'server: an address elsewhere is sent nothing without consent, and the model here writes on',
    async run(t) {
      const elsewhere =
        Object.values(networkInterfaces())
          .flat()
          .find((each) => each?.family === 'IPv4' && !each.internal)?.address ??
        t.skip('this machine has no address but its own loopback');
      const api = await knownModel(t);
      const { port, bodies } = await fake(t, elsewhere);
      const scratch = new Scratch(t, { 'a.js': 'abc' });
      const editor = await scratch.show('a.js');
      await setting(t, 'server.url', `http://${elsewhere}:${port}`);
      await until('the refusal', () => api.status().server?.state === 'declined' || undefined);
      assert.ok(!(await offered(api.provider, editor)).includes(TEXT));
      assert.equal(bodies.length, 0);
      await fetch(`http://${elsewhere}:${port}/v1/models`);
      assert.equal(bodies.length, 1, 'the server cannot be reached at all');
    },
  },
];
