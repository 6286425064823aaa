// What can go wrong with a server, as sentences that name the address and the remedy.

import { t } from '../l10n';

/** A server failed; the message is for people. */
export class ServerFault extends Error {
  readonly code: string;
  /** It asks not to be asked again before so many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'ServerFault';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The connection failed. @param error what fetch threw */
export function unreachable(base: string, error: unknown): ServerFault {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const why = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
  return new ServerFault(
    'unreachable',
    t('The server {0} cannot be reached ({1}). Start it, or correct the setting glassbox.server.url.', base, why),
  );
}

/** Nothing came for so long. @param begun something had come before */
export function silent(base: string, ms: number, begun: boolean): ServerFault {
  const seconds = (ms / 1000).toFixed(0);
  return begun
    ? new ServerFault(
        'stalled',
        t('The server {0} went silent in the middle of an answer, for {1} s. Look at its log.', base, seconds),
      )
    : new ServerFault(
        'timeout',
        t(
          'The server {0} did not answer within {1} s. Look at its log, or choose a smaller model there.',
          base,
          seconds,
        ),
      );
}

/** The answer ended before its end. */
export function cutOff(base: string): ServerFault {
  return new ServerFault('cut_off', t('The server {0} broke off in the middle of an answer. Look at its log.', base));
}

/** The answer is none of the known shapes. */
export function notUnderstood(base: string, what: string): ServerFault {
  return new ServerFault(
    'not_understood',
    t(
      'The server {0} answers something else than completions ({1}). Let glassbox.server.url name an OpenAI-compatible server.',
      base,
      what,
    ),
  );
}

/** The server reported an error inside an answer. @param first nothing had come before it */
export function reported(base: string, what: string, first: boolean): ServerFault {
  return new ServerFault(
    first ? 'refused' : 'reported',
    t('The server {0} reports: {1}. Look at its log.', base, short(what)),
  );
}

/** The model in the settings is not one of the server's. */
export function unknownModel(base: string, model: string, known: readonly string[]): ServerFault {
  const names = known.slice(0, 8).join(', ');
  return new ServerFault(
    'unknown_model',
    names === ''
      ? t('The server {0} does not know the model “{1}”. Correct the setting glassbox.server.model.', base, model)
      : t(
          'The server {0} does not know the model “{1}”. Set glassbox.server.model to one of these: {2}.',
          base,
          model,
          names,
        ),
  );
}

/** An answer with a status that is no success. @param body its text */
export function refused(base: string, path: string, response: Response, body: string, model: string): ServerFault {
  const { status } = response;
  const said = messageIn(body);
  if (status >= 300 && status < 400)
    return new ServerFault(
      'redirected',
      t(
        'The server {0} refers to another address, {1}. Nothing was sent there: set glassbox.server.url to it if you trust it.',
        base,
        response.headers.get('location') ?? '?',
      ),
    );
  if (status === 401 || status === 403)
    return new ServerFault(
      'key',
      t(
        'The server {0} wants another key (status {1}). Give it with the command “Glassbox: Set Server Key”.',
        base,
        status,
      ),
    );
  if (status === 404 && /model/i.test(said)) return unknownModel(base, model, []);
  if (status === 404) return notUnderstood(base, `404 ${path}`);
  if (status === 429)
    return new ServerFault(
      'busy',
      t('The server {0} takes no more requests for now (status 429). It is asked again later.', base),
      retryAfter(response),
    );
  return new ServerFault(
    status >= 500 ? 'failed' : 'refused',
    t(
      'The server {0} refused a request (status {1}): {2}. Look at its log.',
      base,
      status,
      short(said || response.statusText),
    ),
    retryAfter(response),
  );
}

/** The message in an error's body: OpenAI and llama.cpp {error: {message}}, Ollama and TGI {error}, FastAPI {detail}, older vLLM {message}. */
export function messageIn(body: string): string {
  try {
    const fields = JSON.parse(body) as Record<string, unknown>;
    const error = fields['error'];
    const inner = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)['message'] : error;
    const found = inner ?? fields['message'] ?? fields['detail'];
    return typeof found === 'string' ? found : JSON.stringify(found ?? fields);
  } catch {
    return body.trim();
  }
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return (line.length > 200 ? `${line.slice(0, 200)}…` : line).replace(/\.$/, '');
}

/** RFC 9110: seconds, or a date. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
