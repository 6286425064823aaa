// The ways to a hub: certificates, proxies, other hosts; and the command line, from the download to a completion.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { describeRepo, environmentFetch, type HubOptions } from '../../src/download/index';
import { proxyFor } from '../../src/download/environmentFetch';
import { selfSigned } from '../certificate';
import { startProxy } from '../connectProxy';
import {
  repoOf,
  someCommit,
  startHub,
  type HubFault,
  type HubRepo,
  type HubSettings,
  type RunningHub,
} from '../hubServer';
import { writeTinyModel } from '../tinyModel';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-ways-'));
const tiny = join(scratch, 'tiny');
const certificate = selfSigned();
const trusted = join(scratch, 'trusted.pem');
let repo: HubRepo;

before(() => {
  writeTinyModel(tiny);
  writeFileSync(trusted, certificate.cert);
  const paths = readdirSync(tiny, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(tiny, path)).isFile(),
  );
  repo = repoOf(
    'owner/tiny',
    tiny,
    paths.map((path) => path.replaceAll('\\', '/')),
  );
});
after(() => rmSync(scratch, { recursive: true }));

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The command line. What it must not have of this process's environment is left out. */
function glassbox(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  input = '',
  onProgress?: (stop: () => void) => void,
): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/proxy$/i.test(name)));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['dist/cli.js', ...args], {
      env: { ...env, HF_HUB_CACHE: join(scratch, 'no-cache'), ...environment },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onProgress?.(() => child.kill('SIGINT'));
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

async function withHub(
  settings: Partial<HubSettings>,
  play: (hub: RunningHub, store: string) => Promise<void>,
): Promise<void> {
  const hub = await startHub({ repos: [repo], ...settings });
  try {
    await play(hub, mkdtempSync(join(scratch, 'store-')));
  } finally {
    await hub.close();
  }
}

interface Done {
  dir: string;
  revision: string;
  transferredBytes: number;
  reusedBytes: number;
}
const totalOf = ({ files }: HubRepo): number =>
  Object.values(files).reduce((sum, file) => sum + (file as Buffer).length, 0);

test('the command line downloads a model, verifies it, and completes with it', () =>
  withHub(
    {
      faults: [
        { on: 'storage', cutAfter: 5000 },
        { on: 'storage', cutAfter: 3000, after: 1 },
      ],
    },
    async (hub, store) => {
      const args = ['download', 'owner/tiny', '--weights', 'fp32', '--into', store, '--endpoint', hub.endpoint];
      const { code, stdout, stderr } = await glassbox(args);
      assert.equal(code, 0, stderr);
      const done = JSON.parse(stdout) as Done;
      assert.deepEqual([done.revision, done.transferredBytes, done.reusedBytes], [repo.commit, totalOf(repo), 0]);
      assert.match(stderr, /MB/);
      const completed = await glassbox(['complete', '--model', done.dir], {}, '{"id":1,"prefix":"ab","maxTokens":3}\n');
      assert.equal(completed.code, 0, completed.stderr);
      assert.ok((JSON.parse(completed.stdout) as { tokens: number[] }).tokens.length > 0, completed.stdout);
      // Once more, and nothing comes.
      const again = JSON.parse((await glassbox(args)).stdout) as Done;
      assert.deepEqual([again.dir, again.transferredBytes], [done.dir, 0]);
    },
  ));

test('the command line is interrupted and goes on', () =>
  withHub({ faults: [{ on: 'storage', path: '.onnx', standAfter: 9000 }] }, async (hub, store) => {
    const args = ['download', 'owner/tiny', '--into', store, '--endpoint', hub.endpoint];
    let stopped = false;
    const stop = (kill: () => void): void => {
      if (stopped || !hub.seen.some(({ server }) => server === 'storage')) return;
      stopped = true;
      setTimeout(kill, 200);
    };
    const first = await glassbox(args, {}, '', stop);
    assert.deepEqual([first.code, first.stdout], [130, ''], first.stderr);
    const { code, stdout, stderr } = await glassbox(args);
    assert.equal(code, 0, stderr);
    const done = JSON.parse(stdout) as Done;
    assert.equal(done.transferredBytes + done.reusedBytes, totalOf(repo));
    assert.ok(done.reusedBytes > 0);
  }));

test('the command line is killed and goes on', async () => {
  const store = mkdtempSync(join(scratch, 'store-'));
  const bytes = randomBytes(3_000_000);
  const files = {
    'config.json': Buffer.from('{"model_type": "llama"}'),
    'tokenizer.json': Buffer.from('{}'),
    'onnx/model.onnx': bytes,
  };
  const faults: HubFault[] = [{ on: 'storage', drip: [50_000, 20] }];
  const hub = await startHub({ repos: [{ name: 'owner/large', commit: someCommit(), files }], faults });
  const args = ['download', 'owner/large', '--into', store, '--endpoint', hub.endpoint];
  const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: 'ignore' });
  const ended = once(child, 'close');
  while (hub.sentBytes() < 1_500_000 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await ended;
  const { code, stdout, stderr } = await glassbox(args);
  await hub.close();
  assert.equal(code, 0, stderr);
  const done = JSON.parse(stdout) as Done;
  const total = Object.values(files).reduce((sum, { length }) => sum + length, 0);
  assert.equal(done.transferredBytes + done.reusedBytes, total);
  assert.ok(done.reusedBytes >= 500_000, `${done.reusedBytes}`);
  assert.ok(readFileSync(join(done.dir, 'onnx/model.onnx')).equals(bytes));
});

/** What the command line is asked, its environment, and what it says. */
const SAID: [title: string, args: string[], environment: NodeJS.ProcessEnv, said: RegExp][] = [
  ['no name', [], {}, /download: give one OWNER\/NAME/],
  ['two names', ['a/b', 'c/d'], {}, /download: give one OWNER\/NAME/],
  ['a name that is none', ['tiny'], {}, /"tiny" is not the name of a model/],
  ['a flag that is none', ['owner/tiny', '--device', 'cpu'], {}, /--device/],
  ['a model that is not there', ['owner/none'], {}, /There is no model owner\/none/],
  ['weights that are not there', ['owner/tiny', '--weights', 'q4'], {}, /no weights "q4"/],
  ['a revision that is not there', ['owner/tiny', '--revision', 'v2'], {}, /no such revision/],
  [
    'a variable that is not there',
    ['owner/tiny', '--token-from-env', 'NO_SUCH'],
    {},
    /NO_SUCH: there is no such variable/,
  ],
  ['an address that is none', ['owner/tiny'], { HF_ENDPOINT: 'hub' }, /"hub" is not the address of a hub/],
  ['a proxy that is none', ['owner/tiny'], { HTTP_PROXY: 'ftp://x' }, /"ftp:\/\/x" is not the address of a proxy/],
];
for (const [title, args, environment, said] of SAID)
  test(`the command line says: ${title}`, () =>
    withHub({}, async (hub, store) => {
      const { code, stdout, stderr } = await glassbox(['download', ...args, '--into', store], {
        HF_ENDPOINT: hub.endpoint,
        ...environment,
      });
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, said);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }));

test('an empty HF_ENDPOINT in the environment is none', async () => {
  // Nothing listens at the proxy: whatever is asked for gets no further than there.
  const nowhere = { HF_ENDPOINT: '', HTTPS_PROXY: 'http://127.0.0.1:1' };
  const { stderr } = await glassbox(['download', 'owner/tiny', '--into', join(scratch, 'none')], nowhere);
  assert.match(stderr, /The proxy 127\.0\.0\.1:1 cannot be reached/);
});

test('a token from the environment opens a private model', () =>
  withHub({ repos: [{ ...repo, token: 'hers' }] }, async (hub, store) => {
    const args = ['download', 'owner/tiny', '--into', store, '--endpoint', hub.endpoint, '--token-from-env', 'HERS'];
    const refused = await glassbox(args, { HERS: 'another' });
    assert.equal(refused.code, 2);
    const { code, stdout, stderr } = await glassbox(args, { HERS: 'hers' });
    assert.equal(code, 0, stderr);
    for (const text of [stdout, stderr, refused.stderr]) assert.doesNotMatch(text, /hers|another/);
    const { dir } = JSON.parse(stdout) as Done;
    assert.doesNotMatch(readFileSync(join(dir, 'glassbox.lock.json'), 'utf8'), /hers/);
  }));

/** Proxy's name and password, if it wants any; the environment, where {0} is its address; what is said, if it fails. */
const PROXIES: [
  title: string,
  secure: boolean,
  wants: string | undefined,
  variable: string,
  value: string,
  said?: RegExp,
][] = [
  ['a proxy', true, undefined, 'HTTPS_PROXY', '{0}'],
  ['a proxy, in small letters', true, undefined, 'https_proxy', '{0}'],
  ['a proxy for everything', true, undefined, 'ALL_PROXY', '{0}'],
  ['a proxy with a password', true, 'me:se cret', 'HTTPS_PROXY', 'http://me:se%20cret@{1}'],
  [
    'a proxy with another password',
    true,
    'me:secret',
    'HTTPS_PROXY',
    'http://me:wrong@{1}',
    /asks for a name and a password/,
  ],
  ['a proxy for plain requests', false, undefined, 'HTTP_PROXY', '{0}'],
  ['a proxy with a password for plain requests', false, 'me:secret', 'HTTP_PROXY', 'http://me:secret@{1}'],
  [
    'a proxy that wants a password for plain requests',
    false,
    'me:secret',
    'HTTP_PROXY',
    '{0}',
    /asks for a name and a password/,
  ],
];
for (const [title, secure, wants, variable, value, said] of PROXIES)
  test(`the command line goes through ${title}`, () =>
    withHub(secure ? { certificate } : {}, async (hub, store) => {
      const proxy = await startProxy(wants);
      const { code, stderr } = await glassbox(['download', 'owner/tiny', '--into', store, '--endpoint', hub.endpoint], {
        NODE_EXTRA_CA_CERTS: trusted,
        [variable]: value.replace('{0}', proxy.url).replace('{1}', new URL(proxy.url).host),
      });
      await proxy.close();
      if (said === undefined) assert.equal(code, 0, stderr);
      else assert.match(stderr, said);
      const host = new URL(hub.endpoint).host;
      assert.ok(proxy.asked.length > 0 && proxy.asked.some((line) => line.includes(host)), String(proxy.asked));
      assert.ok(
        proxy.asked.every((line) => line.startsWith(secure ? 'CONNECT' : 'GET http://')),
        String(proxy.asked),
      );
      if (said !== undefined) assert.deepEqual(hub.seen, []);
      // Not only the question, but all that follows goes through the tunnel.
      else if (secure) assert.ok(proxy.carried > totalOf(repo), `${proxy.carried} bytes through the tunnel`);
    }));

test('downloads through a proxy are resumed', () =>
  withHub({ certificate, faults: [{ on: 'storage', path: '.onnx', cutAfter: 4000 }] }, async (hub, store) => {
    const proxy = await startProxy();
    const { code, stdout, stderr } = await glassbox(
      ['download', 'owner/tiny', '--into', store, '--endpoint', hub.endpoint],
      { NODE_EXTRA_CA_CERTS: trusted, HTTPS_PROXY: new URL(proxy.url).host },
    );
    await proxy.close();
    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(stdout) as Done).transferredBytes, totalOf(repo));
    assert.ok(hub.seen.some(({ range }) => range !== undefined));
  }));

/** Whether the certificate is among those that are trusted, and what is said if not. */
const CERTIFICATES: [title: string, environment: NodeJS.ProcessEnv, said?: RegExp][] = [
  ['is refused where nobody trusts it', {}, /certificate of 127\.0\.0\.1:\d+ is not trusted.*NODE_EXTRA_CA_CERTS/],
  ['is accepted where it is trusted', { NODE_EXTRA_CA_CERTS: trusted }],
];
for (const [title, environment, said] of CERTIFICATES)
  test(`a certificate that signs itself ${title}`, () =>
    withHub({ certificate }, async (hub, store) => {
      const { code, stdout, stderr } = await glassbox(
        ['download', 'owner/tiny', '--into', store, '--endpoint', hub.endpoint],
        environment,
      );
      if (said === undefined) assert.equal((JSON.parse(stdout) as Done).transferredBytes, totalOf(repo), stderr);
      else assert.match(stderr, said);
      assert.equal(code, said === undefined ? 0 : 2, stderr);
      if (said !== undefined) assert.deepEqual(hub.seen, []);
    }));

test('the token stays with the endpoint, wherever requests are sent on to', async () => {
  const heard: (string | undefined)[] = [];
  const other = createServer((request: IncomingMessage, response) => {
    heard.push(request.headers.authorization);
    response.end(JSON.stringify({ sha: someCommit() }));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/api`;
  const faults: HubFault[] = [
    { on: 'info', status: 307, headers: { location } },
    { on: 'cache', path: 'config.json', status: 302, headers: { location } },
  ];
  await withHub({ repos: [{ ...repo, token: 'hers' }], faults }, async (hub) => {
    const at: HubOptions = { endpoint: hub.endpoint, token: 'hers', fetch, patience: { retries: 0 } };
    // The commit that the other server names is not there.
    await assert.rejects(describeRepo('owner/tiny', 'main', at), { code: 'not_found' });
    const { config, gated, licence } = await describeRepo('owner/tiny', 'main', at);
    assert.deepEqual([typeof config['sha'], gated, licence], ['string', false, 'apache-2.0']);
    assert.deepEqual(heard, [undefined, undefined]);
    assert.ok(hub.seen.every(({ authorization }) => authorization === 'Bearer hers'));
  });
  other.close();
});

test('a fetch that hides redirects is made to follow them', () =>
  withHub({}, async (hub) => {
    const hiding: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.redirect !== 'manual' || response.status < 300 || response.status > 399) return response;
      return Object.defineProperty(new Response(null), 'type', { value: 'opaqueredirect' });
    };
    const { config } = await describeRepo('owner/tiny', 'main', { endpoint: hub.endpoint, fetch: hiding });
    assert.ok(Object.keys(config).length > 0);
  }));

/** Addresses, the environment, and the proxy for them. */
const RULES: [url: string, environment: Record<string, string>, proxy: string | undefined][] = [
  ['https://h/', {}, undefined],
  ['https://h/', { HTTPS_PROXY: '' }, undefined],
  ['https://h/', { HTTP_PROXY: 'http://p:1' }, undefined],
  ['http://h/', { HTTP_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['https://h/', { HTTPS_PROXY: 'p:1' }, 'http://p:1/'],
  ['https://h/', { HTTPS_PROXY: 'http://p:1', https_proxy: 'http://q:2' }, 'http://q:2/'],
  ['https://h/', { ALL_PROXY: 'http://p:1', NO_PROXY: 'x, h' }, undefined],
  ['https://a.h/', { ALL_PROXY: 'http://p:1', NO_PROXY: '.h' }, undefined],
  ['https://ah/', { ALL_PROXY: 'http://p:1', NO_PROXY: 'h' }, 'http://p:1/'],
  ['https://h/', { ALL_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
  ['https://h/', { ALL_PROXY: 'http://p:1', NO_PROXY: 'h:443' }, undefined],
  ['https://h:8443/', { ALL_PROXY: 'http://p:1', NO_PROXY: 'h:443' }, 'http://p:1/'],
];
test('which proxy the environment names', () => {
  for (const [url, environment, proxy] of RULES)
    assert.equal(proxyFor(new URL(url), environment)?.href, proxy, `${url} ${JSON.stringify(environment)}`);
  assert.equal(typeof environmentFetch({}), 'function');
});
