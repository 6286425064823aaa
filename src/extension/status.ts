// What the status bar, its tooltip and its menu say, in words. Pure: no `vscode`, so that tests read it in any language.

import { t } from '../l10n';
import type { EngineState } from './engineClient';
import type { ServerStatus } from './serverConnection';
import type { Pace } from './speed';
import type { Counts } from './tally';
import { saved } from './statisticsReport';
import type { Reason } from './why';

/** What the item in the status bar shows is derived from this alone. */
export interface Status {
  engine: EngineState;
  /** Suggestions are on, as far as nothing else is said of a language. */
  enabled: boolean;
  generating: boolean;
  /** The server of glassbox.server.url; undefined where none is set. */
  server?: ServerStatus | undefined;
}

/** What else there is to tell. */
export interface Facts {
  pace: Pace | undefined;
  today: Counts;
  /** Why the last question was answered with nothing; undefined where there was an answer. */
  reason: Reason | undefined;
}

export interface Look {
  /** With icons, as VS Code writes them. */
  text: string;
  /** For the tooltip and for screen readers. */
  meaning: string;
  error?: boolean;
}

/** Text and meaning of a status. */
export function look({ engine, enabled, generating, server }: Status): Look {
  if (server !== undefined && server.state === 'on') return lookOfServer(server, enabled, generating);
  switch (engine.kind) {
    case 'stopped':
    case 'loading':
      return { text: '$(loading~spin) Glassbox', meaning: t('the model is being loaded') };
    case 'failed':
      return { text: '$(error) Glassbox', meaning: t('failed. {0}', engine.reason), error: true };
    case 'asleep':
      return { text: '$(circle-outline) Glassbox', meaning: t('{0} sleeps until it is needed', engine.info.name) };
    case 'ready': {
      const { name, device, kind } = engine.info;
      if (generating) return { text: '$(sync~spin) Glassbox', meaning: t('generating with {0} on {1}', name, device) };
      if (!enabled)
        return {
          text: '$(circle-slash) Glassbox',
          meaning: t('suggestions are off ({0} on {1} is loaded)', name, device),
        };
      if (kind === 'encoder-decoder')
        return {
          text: '$(pencil) Glassbox',
          meaning: t('ready for Generate, {0} on {1}; an encoder–decoder model makes no suggestions', name, device),
        };
      return { text: '$(sparkle) Glassbox', meaning: t('ready, {0} on {1}', name, device) };
    }
  }
}

/** A server is named, and whether text leaves the machine is seen at a glance. */
function lookOfServer({ host, local }: ServerStatus, enabled: boolean, generating: boolean): Look {
  const icon = !enabled ? '$(circle-slash)' : generating ? '$(sync~spin)' : local ? '$(server)' : '$(cloud-upload)';
  const where = local
    ? t('suggestions come from the server {0} on this machine', host)
    : t('suggestions come from {0}: text leaves this machine', host);
  return {
    text: `${icon} Glassbox: ${host}`,
    meaning: enabled ? where : t('suggestions are off ({0} is set)', host),
  };
}

/** What it means that a server tells no probabilities. */
export function noThreshold(): string {
  return t('It tells no probabilities, so how sure it is cannot be asked for.');
}

/** Why a server that is set is not used, in words; undefined where it is, or none is set. */
export function serverTrouble(server: ServerStatus | undefined): string | undefined {
  if (server === undefined) return undefined;
  switch (server.state) {
    case 'asking':
      return t('Nothing is sent to {0} before you agree.', server.host);
    case 'declined':
      return t('Nothing is sent to {0}, as you decided; the model on this machine is used.', server.host);
    case 'failed':
    case 'wrong':
      return t('{0} The model on this machine takes its place.', server.note ?? server.host);
    case 'on':
      return undefined;
  }
}

/** The measured speed in words; undefined where there is none. */
export function speedOf(pace: Pace | undefined): string | undefined {
  if (pace === undefined) return undefined;
  const first = pace.firstTokenMs.toFixed(0);
  if (pace.tokensPerSecond === undefined) return t('first token after {0} ms', first);
  return t('{0} tokens a second, first token after {1} ms', pace.tokensPerSecond.toFixed(0), first);
}

/** Today's use in words; undefined where there was none. */
export function todayOf(today: Counts): string | undefined {
  if (today.shown === 0) return undefined;
  return t('today {0} of {1} suggestions accepted, {2} keys saved', today.accepted, today.shown, saved(today));
}

/** The lines of the tooltip, the most important first. */
export function tooltipLines(status: Status, { pace, today, reason }: Facts): string[] {
  const { server } = status;
  const unsure = server?.state === 'on' && server.sure === false ? noThreshold() : undefined;
  const lines = [
    t('Glassbox: {0}', look(status).meaning),
    serverTrouble(server),
    unsure,
    speedOf(pace),
    todayOf(today),
  ];
  if (reason !== undefined && status.engine.kind === 'ready') lines.push(t('Last: {0}', reason.text));
  return lines.filter((line) => line !== undefined);
}
