// A `fetch` for hosts without an editor: it goes through the proxy that the environment names, as curl and git do.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Socket } from 'node:net';
import { t } from '../l10n';
import { DownloadError, PassingError } from './errors';
import { proxyWantsName } from './faults';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A `fetch` that heeds HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in capitals or not. Through a proxy it can GET only, and follows no redirects.
 */
export function environmentFetch(environment: Environment = process.env): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const proxy = proxyFor(url, environment);
    if (proxy === undefined) return fetch(input, init);
    const headers = Object.fromEntries(new Headers(init?.headers));
    const signal = init?.signal ?? undefined;
    return url.protocol === 'https:'
      ? overTunnel(proxy, url, headers, signal)
      : answerOf(httpRequest, {
          ...addressOf(proxy),
          path: url.href,
          headers: { ...headers, ...credentials(proxy), host: url.host },
          signal,
        });
  };
}

/** The proxy for an address; undefined where there is to be none. */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const named = (name: string): string | undefined => environment[name.toLowerCase()] ?? environment[name];
  const said = named(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? named('ALL_PROXY');
  if (said === undefined || said === '') return undefined;
  for (const rule of (named('NO_PROXY') ?? '').split(/[\s,]+/).filter((one) => one !== '')) {
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(rule) ?? [];
    const suffix = host.replace(/^\*?\.?/, '').toLowerCase();
    const samePort = port === undefined || port === (url.port || (url.protocol === 'https:' ? '443' : '80'));
    if (rule === '*' || (samePort && suffix !== '' && (url.hostname === suffix || url.hostname.endsWith(`.${suffix}`))))
      return undefined;
  }
  try {
    const proxy = new URL(said.includes('://') ? said : `http://${said}`);
    if (/^https?:$/.test(proxy.protocol)) return proxy;
  } catch {
    // Said below.
  }
  throw new DownloadError(
    'proxy',
    t('"{0}" is not the address of a proxy. Write one such as http://proxy:8080.', said),
  );
}

interface Options {
  host?: string;
  port?: number | string;
  path: string;
  method?: string;
  headers: Record<string, string>;
  signal: AbortSignal | undefined;
  createConnection?: () => Socket;
  protocol?: string;
}

function addressOf(proxy: URL): { protocol: string; host: string; port: string } {
  const { protocol, hostname, port } = proxy;
  return { protocol, host: hostname.replace(/^\[|\]$/g, ''), port: port || (protocol === 'https:' ? '443' : '80') };
}

function credentials(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** HTTPS through the proxy: it joins us with the server, and sees nothing of what is said. */
async function overTunnel(
  proxy: URL,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const target = `${url.hostname}:${url.port || '443'}`;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const asking = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
      ...addressOf(proxy),
      method: 'CONNECT',
      path: target,
      headers: { ...credentials(proxy), host: target },
      ...(signal === undefined ? {} : { signal }),
    });
    asking.on('connect', (answer, tunnel: Socket) => {
      if (answer.statusCode === 200) return resolve(tunnel);
      tunnel.destroy();
      const status = answer.statusCode ?? 0;
      reject(
        status === 407
          ? proxyWantsName()
          : new PassingError('proxy', t('The proxy does not let us through to {0} (status {1}).', target, status)),
      );
    });
    asking.on('error', (error) =>
      reject(
        signal?.aborted === true
          ? error
          : new PassingError('proxy', t('The proxy {0} cannot be reached ({1}).', proxy.host, error.message)),
      ),
    );
    asking.end();
  });
  const servername = url.hostname.replace(/^\[|\]$/g, '');
  const createConnection = (): Socket =>
    connectTls({ socket, ...(/^[\d.:]+$/.test(servername) ? { host: servername } : { servername }) });
  return answerOf(httpsRequest, {
    host: servername,
    port: url.port || 443,
    path: url.pathname + url.search,
    headers: { ...headers, host: url.host },
    signal,
    createConnection,
  });
}

type Ask = typeof httpRequest;

function answerOf(request: Ask | typeof httpsRequest, { signal, ...options }: Options): Promise<Response> {
  return new Promise((resolve, reject) => {
    // One connection for each request: a tunnel is nobody else's. With any agent, even none of its own, Node would leave
    // `createConnection` aside and connect past the proxy.
    const alone = options.createConnection === undefined ? { agent: false } : {};
    const asking = request({ ...options, ...alone, ...(signal === undefined ? {} : { signal }) });
    asking.on('error', reject);
    asking.on('response', (answer: IncomingMessage) => {
      const status = answer.statusCode ?? 0;
      const headers = new Headers();
      for (const [name, values] of Object.entries(answer.headersDistinct))
        for (const value of values ?? []) headers.append(name, value);
      try {
        const empty = [204, 205, 304].includes(status);
        resolve(new Response(empty ? null : Readable.toWeb(answer), { status, headers }));
      } catch (error) {
        answer.destroy();
        reject(new Error(`The answer has status ${status}.`, { cause: error }));
      }
    });
    asking.end();
  });
}
