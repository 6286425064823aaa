// @ts-check
// Lets a test inside the extension host act on and look at the real window: a small HTTP server on 127.0.0.1, behind a
// random token, in front of the page that the launcher drives. It knows no test. Started by launcher.mjs; the tests reach
// it through driver.ts.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as ghost from './ghostRecorder.mjs';

const screenshots = join(import.meta.dirname, '../../.vscode-test/screenshots');

/** @typedef {import('playwright-core').Page} Page */

/** @type {Record<string, (page: Page, body: any) => Promise<unknown>>} */
const actions = {
  '/type': (page, { text, delayMs = 0 }) => page.keyboard.type(text, { delay: delayMs }),
  '/typePaced': (page, { text, intervalMs }) => typePaced(page, text, intervalMs),
  '/press': (page, { key }) => page.keyboard.press(key),
  '/click': (page, { selector }) => page.locator(selector).first().click(),
  '/evaluate': (page, { expression }) => page.evaluate(expression),
  '/screenshot': async (page, { name }) => {
    await mkdir(screenshots, { recursive: true });
    const path = join(screenshots, `${String(name).replace(/[^\w.-]/g, '_')}.png`);
    await page.screenshot({ path });
    return path;
  },
  '/ghost/start': (page) => page.evaluate(ghost.install),
  '/ghost/stop': (page) => page.evaluate(ghost.read),
  '/webview/evaluate': async (page, { expression }) => (await webviewFrame(page)).evaluate(expression),
  '/webview/click': async (page, { selector }) => (await webviewFrame(page)).locator(selector).first().click(),
};

/**
 * Types at an exact pace: each key at its own moment, whether or not the page has dealt with the one before.
 * @param {Page} page @param {string} text @param {number} intervalMs from key to key
 * @returns {Promise<number[]>} how late each key was sent, in milliseconds
 */
async function typePaced(page, text, intervalMs) {
  const start = performance.now();
  /** @type {number[]} */
  const late = [];
  /** @type {Promise<void>[]} */
  const keys = [];
  for (const [i, key] of [...text].entries()) {
    const due = start + i * intervalMs;
    await sleep(Math.max(0, due - performance.now()));
    late.push(performance.now() - due);
    keys.push(page.keyboard.type(key));
  }
  await Promise.all(keys);
  return late;
}

/** The document of the webview that is on show. @param {Page} page */
async function webviewFrame(page) {
  const outer = page.locator('iframe.webview:visible').first();
  const inner = outer.contentFrame().locator('#active-frame');
  const frame = await (await inner.elementHandle())?.contentFrame();
  if (!frame) throw new Error('No webview is open.');
  await frame.waitForLoadState('domcontentloaded');
  return frame;
}

/**
 * @param {() => Page | undefined} page
 * @returns {Promise<{ url: string, token: string, close: () => void }>}
 */
export async function startBridge(page) {
  const token = randomBytes(24).toString('hex');
  const server = createServer((request, response) => {
    /** @param {number} status @param {object} answer */
    const reply = (status, answer) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    };
    const act = async () => {
      if (request.headers.authorization !== `Bearer ${token}`) return reply(401, { error: 'wrong token' });
      const action = actions[request.url ?? ''];
      const window = page();
      if (!action) return reply(404, { error: `no such action: ${request.url}` });
      if (!window) return reply(503, { error: 'the window is not open yet' });
      let body = '';
      for await (const chunk of request) body += chunk;
      reply(200, { value: await action(window, JSON.parse(body || '{}')) });
    };
    act().catch((/** @type {Error} */ error) => reply(500, { error: error.message }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    token,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
