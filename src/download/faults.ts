// What went wrong, from the hub's answer or from the error of `fetch`: which of our errors it is, and whether trying again may help.

import { t } from '../l10n';
import { cancelled, DownloadError, PassingError } from './errors';

/** What was asked, for the sentence about it. */
export interface Asked {
  /** owner/name */
  name: string;
  endpoint: string;
  hasToken: boolean;
  url: URL;
  /** The hub sent us to another server for it. */
  elsewhere: boolean;
}

/** The error that an answer without the thing asked for means. */
export function faultOfAnswer(response: Response, asked: Asked): DownloadError {
  const { status, headers } = response;
  const { name, endpoint, hasToken, url, elsewhere } = asked;
  const code = headers.get('x-error-code') ?? '';
  if (status === 407) return proxyWantsName();
  if (status === 429)
    return new PassingError('rate_limited', t('{0} is asked too often at the moment.', url.host), {
      afterMs: retryAfter(headers),
    });
  if (status === 408 || status === 425 || status >= 500)
    return new PassingError('server', t('{0} does not work at the moment (status {1}).', url.host, status), {
      afterMs: retryAfter(headers),
    });
  // Addresses to which a hub sends are signed for some minutes. A new one is to be had.
  if (elsewhere && (status === 401 || status === 403 || status === 404))
    return new PassingError(
      'server',
      t('{0}, where {1} keeps the file, refuses it (status {2}).', url.host, endpoint, status),
    );
  if (code === 'GatedRepo')
    return new DownloadError(
      'gated',
      hasToken
        ? t(
            'The owner of your token may not have {0} yet: open {1}, agree to the terms, and try again.',
            name,
            page(asked),
          )
        : t(
            '{0} asks for agreement to its terms: open {1}, agree, and give Glassbox a token of yours.',
            name,
            page(asked),
          ),
    );
  if (status === 401)
    return hasToken && code !== 'RepoNotFound'
      ? new DownloadError('unauthorised', t('{0} does not accept the token. Give Glassbox another.', endpoint))
      : new DownloadError(
          'unauthorised',
          hasToken
            ? t('There is no model {0} at {1}, or the token gives no right to it.', name, endpoint)
            : t(
                'There is no model {0} at {1}, or it needs a token. Check the name, or give Glassbox a token.',
                name,
                endpoint,
              ),
        );
  if (status === 403)
    return new DownloadError(
      'unauthorised',
      hasToken
        ? t('The token gives no right to {0}. Give Glassbox another.', name)
        : t('{0} refuses {1} to people without a token. Give Glassbox one.', endpoint, name),
    );
  if (status === 404 || status === 410)
    return new DownloadError(
      'not_found',
      code === 'RevisionNotFound'
        ? t('{0} has no such revision. Look at {1} for those there are.', name, page(asked))
        : code === 'EntryNotFound'
          ? t('{0} has no such file: {1}', name, url.pathname)
          : t('There is no model {0} at {1}. Check the name.', name, endpoint),
    );
  return new DownloadError(
    'bad_answer',
    t('{0} answered with status {1}, which means nothing here.', url.host, status),
  );
}

const page = ({ endpoint, name }: Asked): string => `${endpoint}/${name}`;

/** Milliseconds that the server wants to be left alone; a date, a number of seconds, or the hub's own header. */
function retryAfter(headers: Headers): number | undefined {
  const said = headers.get('retry-after') ?? /\bt=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  if (said === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The proxy wants to know who we are. */
export function proxyWantsName(cause?: unknown): DownloadError {
  return new DownloadError('proxy', t('The proxy asks for a name and a password. Set them in its address.'), { cause });
}

/** Trouble with certificates, as Node and Chromium call it. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)_|ERR_TLS_/;
const PROXY = /ERR_(PROXY|TUNNEL)|proxy/i;

/** The error that an error of `fetch` means. */
export function faultOfThrown(error: unknown, url: URL, signal: AbortSignal | undefined): DownloadError {
  if (signal?.aborted === true) return cancelled();
  if (error instanceof DownloadError) return error;
  const causes = causesOf(error);
  const ours = causes.find((cause) => cause instanceof DownloadError);
  if (ours !== undefined) return ours;
  const said = causes.map((cause) => `${(cause as NodeJS.ErrnoException).code ?? ''} ${cause.message}`).join('; ');
  const short = causes.at(-1)?.message ?? String(error);
  if (CERTIFICATE.test(said))
    return new DownloadError(
      'certificate',
      t(
        'The certificate of {0} is not trusted ({1}). If a proxy of your network signs it, add its certificate to those of the system, or name its file in NODE_EXTRA_CA_CERTS.',
        url.host,
        short,
      ),
      { cause: error },
    );
  if (/proxy authentication required|\b407\b/i.test(said)) return proxyWantsName(error);
  if (PROXY.test(said))
    return new PassingError('proxy', t('The proxy does not let us through to {0} ({1}).', url.host, short), {
      cause: error,
    });
  return new PassingError(
    'offline',
    t('{0} cannot be reached ({1}). Check the connection; what is here already is kept.', url.host, short),
    { cause: error },
  );
}

/** An error, what caused it, and so on; the innermost last. */
function causesOf(error: unknown): Error[] {
  const found: Error[] = [];
  const visit = (one: unknown): void => {
    if (!(one instanceof Error) || found.includes(one) || found.length > 10) return;
    found.push(one);
    if (one instanceof AggregateError) one.errors.forEach(visit);
    visit(one.cause);
  };
  visit(error);
  return found;
}
