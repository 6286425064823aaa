// Requests to the hub: redirects are followed here, so that the token stays with the endpoint; failures become our errors.

import { t } from '../l10n';
import { DownloadError, PassingError } from './errors';
import { faultOfAnswer, faultOfThrown } from './faults';
import { checkRepoName, readEndpoint } from './names';
import { patienceOf, Stall, stopIfCancelled, untilItWorks } from './patience';
import type { HubOptions, Patience } from './types';

const MOST_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Descriptions longer than this are none. */
const MOST_TEXT = 32 * 2 ** 20;
/** Somebody waits for a description, so it is not tried for long. */
const MOST_RETRIES = 3;
/** Parts in which a list of files may come. */
const MOST_PAGES = 200;

/** An answer under way. Its reader says for each piece that it came, and ends it in any case. */
export interface Opened {
  response: Response;
  stall: Stall;
  url: URL;
}

/** One repository, as it can be asked for. */
export class Access {
  /** owner/name */
  readonly name: string;
  readonly endpoint: URL;
  readonly patience: Patience;
  readonly signal: AbortSignal | undefined;
  private readonly fetch: typeof fetch;
  private readonly token: string | undefined;

  /** @throws DownloadError `bad_name`, `bad_endpoint`, `unauthorised` */
  constructor(name: string, options: HubOptions) {
    checkRepoName(name);
    this.name = name;
    this.token = options.token?.trim() === '' ? undefined : options.token?.trim();
    if (this.token !== undefined && !/^[\x21-\x7e]+$/.test(this.token))
      throw new DownloadError('unauthorised', t('The token has characters that no token has. Copy it once more.'));
    this.endpoint = readEndpoint(options.endpoint, this.token !== undefined);
    this.fetch = options.fetch;
    this.patience = patienceOf(options.patience);
    this.signal = options.signal;
  }

  /** The endpoint as text, without a slash at its end. */
  get base(): string {
    return this.endpoint.href.replace(/\/$/, '');
  }

  /** Where the bytes of a file are to be had. */
  fileUrl(revision: string, path: string): URL {
    const segments = path.split('/').map(encodeURIComponent).join('/');
    return new URL(`${this.base}/${this.name}/resolve/${encodeURIComponent(revision)}/${segments}`);
  }

  /**
   * Asks once.
   * @returns an answer with status 2xx, or 416
   * @throws DownloadError; a `PassingError` where it may be tried again
   */
  async open(from: URL, headers: Record<string, string> = {}): Promise<Opened> {
    stopIfCancelled(this.signal);
    const stall = new Stall(this.patience.stallMs, this.signal);
    let url = from;
    try {
      const seen = new Set<string>();
      for (;;) {
        const response = await this.send(url, headers, stall.signal);
        stall.beat();
        if (response.ok || response.status === 416) return { response, stall, url };
        const location = REDIRECTS.includes(response.status) ? response.headers.get('location') : null;
        if (location === null)
          throw faultOfAnswer(response, {
            name: this.name,
            endpoint: this.base,
            hasToken: this.token !== undefined,
            url,
            elsewhere: url.origin !== this.endpoint.origin,
          });
        seen.add(url.href);
        url = nextStop(url, location, seen);
        void response.body?.cancel().catch(() => undefined);
      }
    } catch (error) {
      stall.end();
      throw faultOfThrown(error, url, this.signal);
    }
  }

  private async send(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const own = url.origin === this.endpoint.origin && this.token !== undefined;
    const all = {
      ...headers,
      // Bytes are counted as the hub counts them.
      'accept-encoding': 'identity',
      ...(own ? { authorization: `Bearer ${this.token}` } : {}),
    };
    // An abort must end the call even where the host's fetch hears of it late.
    const call = (redirect: 'manual' | 'follow'): Promise<Response> =>
      orAborted(this.fetch(url.href, { headers: all, redirect, signal }), signal);
    const response = await call('manual');
    // Some hosts do not show redirects. The standard makes theirs drop the token where the origin changes.
    return response.type === 'opaqueredirect' ? call('follow') : response;
  }

  /**
   * A whole answer as text; tried again where that may help.
   * @throws DownloadError
   */
  async text(url: URL, headers: Record<string, string> = {}): Promise<{ text: string; headers: Headers }> {
    return untilItWorks(
      async () => {
        const { response, stall } = await this.open(url, headers);
        try {
          return { text: await readText(response, stall), headers: response.headers };
        } catch (error) {
          throw faultOfThrown(error, url, this.signal);
        } finally {
          stall.end();
        }
      },
      { patience: { ...this.patience, retries: Math.min(this.patience.retries, MOST_RETRIES) }, signal: this.signal },
    );
  }

  /**
   * The `fetch` for the hub's client library. Every request goes to the endpoint: mirrors hand out links to the hub itself.
   * Failed requests throw a `DownloadError`, so the library sees successes only.
   */
  forLibrary(): typeof fetch {
    let pages = 0;
    return async (input, init) => {
      if (++pages > MOST_PAGES)
        throw new DownloadError('bad_answer', t('The list of files of {0} has no end.', this.name));
      const url = new URL(input instanceof Request ? input.url : input);
      const prefix = this.endpoint.pathname.replace(/\/$/, '');
      const path = url.pathname.startsWith(`${prefix}/`) ? url.pathname : prefix + url.pathname;
      const own = new URL(path + url.search, this.endpoint.origin);
      const { text, headers } = await this.text(own, Object.fromEntries(new Headers(init?.headers)));
      return new Response(text, { headers });
    };
  }
}

/** Where a redirect leads. */
function nextStop(url: URL, location: string, seen: ReadonlySet<string>): URL {
  let next: URL | undefined;
  try {
    next = new URL(location, url);
  } catch {
    // Said below.
  }
  if (
    next === undefined ||
    !/^https?:$/.test(next.protocol) ||
    (url.protocol === 'https:' && next.protocol === 'http:')
  )
    throw new DownloadError('bad_answer', t('{0} sends us to an address that is not safe: {1}', url.host, location));
  if (seen.has(next.href) || seen.size > MOST_REDIRECTS)
    throw new DownloadError('bad_answer', t('{0} sends us in a circle.', url.host));
  return next;
}

async function readText(response: Response, stall: Stall): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(response, stall)) {
    length += piece.length;
    if (length > MOST_TEXT) throw new DownloadError('bad_answer', t('The answer of the hub has no end.'));
    pieces.push(piece);
  }
  const said = response.headers.get('content-length');
  if (said !== null && response.headers.get('content-encoding') === null && Number(said) !== length)
    throw new PassingError('offline', t('The connection was cut.'));
  return Buffer.concat(pieces).toString('utf8');
}

/** The bytes of an answer as they come. The caller ends the `stall`. */
export async function* piecesOf(response: Response, stall: Stall): AsyncGenerator<Uint8Array> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const { done, value } = await orAborted(reader.read(), stall.signal);
    stall.beat();
    if (done) return;
    yield value;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
