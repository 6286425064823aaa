// A server that speaks the hub's protocol: descriptions, lists of files in pages, and files, large ones by way of a second server.
// What goes wrong is data: each fault says where, how often and what.

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A file: its bytes, or where they lie on the disk. */
export type HubContent = Buffer | { path: string; size: number; sha256: string };

export interface HubRepo {
  /** owner/name */
  name: string;
  /** Full commit hash. */
  commit: string;
  files: Record<string, HubContent>;
  /** Files that are kept in large-file storage: those of so many bytes or more. */
  lfsFrom?: number;
  /** Who may have it; everybody where it is left out. */
  token?: string;
  gated?: boolean;
  licence?: string;
}

/** Where a fault strikes: descriptions, lists, addresses of files, small files, and large ones on the second server. */
export type Place = 'info' | 'tree' | 'resolve' | 'cache' | 'storage';

export interface HubFault {
  on: Place;
  /** Only files whose path ends so. */
  path?: string;
  /** How often; once by default. */
  times?: number;
  /** How many such requests pass unharmed before. */
  after?: number;
  /** An answer without the thing. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** The connection breaks after so many bytes of the body. */
  cutAfter?: number;
  /** Nothing more comes after so many bytes, and the connection stays open. */
  standAfter?: number;
  /** Bytes come in pieces of so many, with a pause of so many milliseconds between. */
  drip?: [bytes: number, ms: number];
  /** One byte is another. */
  wrongByte?: boolean;
  /** The file has so many bytes more or less, and the headers say so. */
  longer?: number;
  /** So many bytes follow where nothing says how many there are. */
  endless?: number;
  /** A Range is not heeded. */
  ignoreRange?: boolean;
  /** A Range is answered with the part from so many bytes on. */
  otherRange?: number;
  etag?: string;
  location?: string;
}

export interface Seen {
  server: 'hub' | 'storage';
  method: string;
  url: string;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
}

export interface RunningHub {
  endpoint: string;
  storage: string;
  seen: Seen[];
  /** May be changed at any time. */
  faults: HubFault[];
  /** Bytes of bodies of files that were sent. */
  sentBytes: () => number;
  /** Bytes of everything that was sent, headers included. */
  wireBytes: () => number;
  close: () => Promise<void>;
}

export interface HubSettings {
  repos: HubRepo[];
  faults?: HubFault[];
  /** For https. */
  certificate?: { key: string; cert: string };
  /** Files in one part of a list. */
  pageSize?: number;
  /** Files of large-file storage come from the hub itself, by an address without a host. */
  relative?: boolean;
  /** The beginning of the addresses in Link, if it is another than the endpoint, as mirrors have it. */
  linksFrom?: string;
}

/** Starts the two servers on free ports. */
export async function startHub(settings: HubSettings): Promise<RunningHub> {
  const hub = new Hub(settings);
  const sockets = new Set<Socket>();
  const start = async (listener: RequestListener): Promise<{ server: Server; url: string }> => {
    const { certificate } = settings;
    const server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
    server.on('connection', (socket: Socket) => sockets.add(socket).size);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { server, url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}` };
  };
  const answered =
    (answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): RequestListener =>
    (request, response) =>
      void answer(request, response).catch(() => response.destroy());
  const main = await start(answered((request, response) => hub.answer(request, response)));
  const storage = await start(answered((request, response) => hub.answerStorage(request, response)));
  hub.endpoint = main.url;
  hub.storage = storage.url;
  return {
    endpoint: main.url,
    storage: storage.url,
    seen: hub.seen,
    faults: hub.faults,
    sentBytes: () => hub.sentBytes,
    wireBytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([main, storage].map(({ server }) => new Promise((done) => server.close(done))));
    },
  };
}

/** A commit hash that is nobody's. */
export const someCommit = (): string => randomBytes(20).toString('hex');

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const gitSum = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

class Hub {
  endpoint = '';
  storage = '';
  sentBytes = 0;
  readonly seen: Seen[] = [];
  readonly faults: HubFault[];
  private readonly settings: HubSettings;
  private readonly struck = new Map<HubFault, number>();

  constructor(settings: HubSettings) {
    this.settings = settings;
    this.faults = [...(settings.faults ?? [])];
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.note('hub', request);
    const url = new URL(request.url ?? '/', this.endpoint);
    if (url.pathname.startsWith('/large/')) return this.sendLarge(url, request, response);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const file = /^\/(?:api\/resolve-cache\/models\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [name = '', revision = ''] = api ? [api[1], api[3]] : [file?.[1], file?.[2]];
    const repo = this.settings.repos.find((one) => one.name === name);
    const cache = !api && url.pathname.startsWith('/api/');
    const place: Place = api ? (api[2] === 'tree' ? 'tree' : 'info') : cache ? 'cache' : 'resolve';
    const path = decodeURIComponent(file?.[3] ?? '');
    const fault = this.strike(place, path);
    if (fault?.status !== undefined) return refuse(response, fault.status, fault.headers, fault.body);
    if (repo === undefined) return refuse(response, 404, { 'x-error-code': 'RepoNotFound' });
    if (repo.token !== undefined && request.headers.authorization !== `Bearer ${repo.token}`)
      if (!(repo.gated === true && api))
        return refuse(response, repo.gated && request.headers.authorization ? 403 : 401, {
          'x-error-code': repo.gated ? 'GatedRepo' : 'RepoNotFound',
        });
    if (!['main', repo.commit].includes(decodeURIComponent(revision)))
      return refuse(response, 404, { 'x-error-code': 'RevisionNotFound' });
    if (fault?.body !== undefined) return send(response, 200, fault.headers ?? {}, fault.body);
    if (place === 'info') return send(response, 200, JSON_TYPE, JSON.stringify(describe(repo)));
    if (place === 'tree') return this.sendTree(repo, url, response);

    const content = Object.hasOwn(repo.files, path) ? repo.files[path] : undefined;
    if (content === undefined) return refuse(response, 404, { 'x-error-code': 'EntryNotFound' });
    const large = isLarge(repo, content);
    const etag = large ? `"${sumOf(content)}"` : `"${gitSum(content as Buffer)}"`;
    const headers = { 'x-repo-commit': repo.commit, 'x-linked-size': String(sizeOf(content)), 'x-linked-etag': etag };
    if (large || fault?.location !== undefined) {
      const where = `${this.settings.relative === true ? '' : this.storage}/large/${encodeURIComponent(name)}/${encodeURIComponent(path)}?signature=1`;
      return send(response, 302, { ...headers, location: fault?.location ?? where }, '');
    }
    // Small files come from a cache beside the hub, by an address without a host.
    if (!cache) return send(response, 307, { ...headers, location: `/api/resolve-cache/models${url.pathname}` }, '');
    return this.sendFile(content, request, response, fault, { ...headers, etag });
  }

  async answerStorage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.note('storage', request);
    return this.sendLarge(new URL(request.url ?? '/', this.storage), request, response);
  }

  private async sendLarge(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Storage with signed addresses refuses requests that say who they are in a second way.
    if (request.headers.authorization !== undefined && this.settings.relative !== true)
      return refuse(response, 400, {}, 'Only one auth mechanism allowed');
    const [name = '', path = ''] = url.pathname.split('/').slice(2).map(decodeURIComponent);
    const fault = this.strike('storage', path);
    if (fault?.status !== undefined) return refuse(response, fault.status, fault.headers, fault.body);
    if (fault?.location !== undefined) return send(response, 302, { location: fault.location }, '');
    const content = this.settings.repos.find((one) => one.name === name)?.files[path];
    if (content === undefined) return refuse(response, 404);
    return this.sendFile(content, request, response, fault, { etag: `"${sumOf(content).slice(0, 32)}"` });
  }

  private note(server: Seen['server'], { method = '', url = '', headers }: IncomingMessage): void {
    const { range, authorization } = headers;
    this.seen.push({ server, method, url, range, ifRange: headers['if-range'] as string | undefined, authorization });
  }

  /** The fault for a request, if one strikes. */
  private strike(place: Place, path: string): HubFault | undefined {
    const possible = this.faults.filter((fault) => fault.on === place && path.endsWith(fault.path ?? ''));
    for (const fault of possible) this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
    return possible.find((fault) => {
      const { after = 0, times = 1 } = fault;
      const count = this.struck.get(fault) ?? 0;
      return count > after && count <= after + times;
    });
  }

  private sendTree(repo: HubRepo, url: URL, response: ServerResponse): void {
    const { pageSize = 1000, linksFrom = this.endpoint } = this.settings;
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const folders = new Set(Object.keys(repo.files).flatMap((path) => path.split('/').slice(0, -1)));
    const entries = [
      ...[...folders].map((path) => ({ type: 'directory', oid: someCommit(), size: 0, path })),
      ...Object.entries(repo.files).map(([path, content]) => entryOf(repo, path, content)),
    ];
    const next = new URL(url.pathname + url.search, linksFrom);
    next.searchParams.set('cursor', String(from + pageSize));
    const more: Record<string, string> = from + pageSize < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
    send(response, 200, { ...JSON_TYPE, ...more }, JSON.stringify(entries.slice(from, from + pageSize)));
  }

  private async sendFile(
    content: HubContent,
    request: IncomingMessage,
    response: ServerResponse,
    fault: HubFault = { on: 'resolve' },
    given: Record<string, string>,
  ): Promise<void> {
    const etag = fault.etag ?? given['etag'] ?? '';
    const size = sizeOf(content) + (fault.longer ?? 0);
    const headers: Record<string, string> = { ...given, ...fault.headers, etag, 'accept-ranges': 'bytes' };
    const ifRange = request.headers['if-range'];
    const [, asked] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const ranged = asked !== undefined && fault.ignoreRange !== true && (ifRange === undefined || ifRange === etag);
    const start = ranged ? (fault.otherRange ?? Number(asked)) : 0;
    if (ranged && start >= size) return refuse(response, 416, { 'content-range': `bytes */${size}` });
    if (ranged) headers['content-range'] = `bytes ${start}-${size - 1}/${size}`;
    if (fault.endless === undefined) headers['content-length'] = String(size - start);
    response.writeHead(ranged ? 206 : 200, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await this.sendBody(content, response, start, size, fault);
  }

  private async sendBody(
    content: HubContent,
    response: ServerResponse,
    start: number,
    size: number,
    fault: HubFault,
  ): Promise<void> {
    const { cutAfter, standAfter, drip, wrongByte, endless = 0 } = fault;
    const end = Math.min(cutAfter ?? Infinity, standAfter ?? Infinity, size - start + endless);
    let sent = 0;
    for await (const whole of piecesOf(content, start, size + endless, drip?.[0])) {
      const piece = Buffer.from(whole.subarray(0, end - sent));
      if (wrongByte === true && sent === 0 && piece.length > 0) piece[0] = (piece[0] as number) ^ 1;
      const flowing = response.write(piece);
      sent += piece.length;
      this.sentBytes += piece.length;
      if (sent >= end || response.destroyed) break;
      if (!flowing) await drained(response);
      if (drip !== undefined) await sleep(drip[1]);
    }
    if (standAfter !== undefined && sent >= standAfter) return;
    // What was written shall arrive before the cut.
    if (cutAfter !== undefined && sent >= cutAfter) response.socket?.end(() => response.destroy());
    else response.end();
  }
}

/** Until more can be written, or the connection is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, headers).end(body);
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}, body?: string): void {
  send(response, status, { ...JSON_TYPE, ...headers }, body ?? JSON.stringify({ error: `status ${status}` }));
}

function describe(repo: HubRepo): Record<string, unknown> {
  const { name, commit, gated, licence, files } = repo;
  return {
    _id: commit.slice(0, 24),
    id: name,
    private: false,
    gated: gated === true ? 'manual' : false,
    downloads: 1,
    likes: 0,
    lastModified: '2025-01-01T00:00:00.000Z',
    pipeline_tag: 'text-generation',
    sha: commit,
    tags: ['onnx', ...(licence === undefined ? [] : [`license:${licence}`])],
    ...(licence === undefined ? {} : { cardData: { license: licence } }),
    siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
  };
}

function entryOf(repo: HubRepo, path: string, content: HubContent): Record<string, unknown> {
  const size = sizeOf(content);
  if (!isLarge(repo, content)) return { type: 'file', oid: gitSum(content as Buffer), size, path };
  const pointer = Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sumOf(content)}\nsize ${size}\n`,
  );
  const lfs = { oid: sumOf(content), size, pointerSize: pointer.length };
  return { type: 'file', oid: gitSum(pointer), size, path, lfs, xetHash: sumOf(content) };
}

const sizeOf = (content: HubContent): number => (Buffer.isBuffer(content) ? content.length : content.size);
const sumOf = (content: HubContent): string => (Buffer.isBuffer(content) ? sha256(content) : content.sha256);
const isLarge = (repo: HubRepo, content: HubContent): boolean =>
  !Buffer.isBuffer(content) || content.length >= (repo.lfsFrom ?? 10_000);

/** The bytes from `start` to `size`, with zeros where there are none. */
function piecesOf(content: HubContent, start: number, size: number, most = 2 ** 16): AsyncIterable<Buffer> {
  if (!Buffer.isBuffer(content)) return createReadStream(content.path, { start, highWaterMark: most });
  const all = Buffer.concat([content, Buffer.alloc(Math.max(0, size - content.length))]).subarray(start, size);
  const pieces = Array.from({ length: Math.ceil(all.length / most) }, (_, i) => all.subarray(i * most, (i + 1) * most));
  return Readable.from(pieces) as AsyncIterable<Buffer>;
}

/** A folder as a repository; `large` files are read from the disk when they are asked for. */
export function repoOf(
  name: string,
  dir: string,
  paths: readonly string[],
  large: Record<string, HubContent> = {},
): HubRepo {
  const small = paths.map((path): [string, Buffer] => [path, readFileSync(`${dir}/${path}`)]);
  return { name, commit: someCommit(), files: { ...Object.fromEntries(small), ...large }, licence: 'apache-2.0' };
}
