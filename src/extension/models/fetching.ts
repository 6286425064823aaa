// Brings a model of the hub to this machine: looks at it, asks for the form, downloads, and builds the graph where there is none.

import { join } from 'node:path';
import * as vscode from 'vscode';
import type { MachineFacts } from '../../catalog/fit';
import type { WeightsChoice } from '../../catalog/weights';
import type { Downloaded, Progress, RepoDescription } from '../../download';
import { t } from '../../l10n';
import { buildInProcess } from './building';
import type { Hub } from './hub';
import type { ModelsParts } from './models';
import { choicesOf, offerWeights } from './offerWeights';
import { bytesInWords, timeInWords } from './sizes';

/** What somebody asked for. */
export interface Wanted {
  /** owner/name */
  name: string;
  /** A branch, a tag or a commit; by default the newest. */
  revision?: string;
  /** Id of the form that is suggested. */
  weights?: string;
}

/** Stopped by whoever asked: nothing is to be said. */
class Stopped extends Error {}

/**
 * Fetches a model.
 * @returns its folder, ready to be loaded; undefined where somebody changed their mind or was told what is in the way
 */
export async function fetchModel(
  parts: ModelsParts,
  hub: Hub,
  wanted: Wanted,
  machine: MachineFacts,
): Promise<string | undefined> {
  try {
    const description = await lookAt(hub, wanted);
    const choices = choicesOf(description);
    if (typeof choices === 'string') {
      void vscode.window.showErrorMessage(t('Glassbox: {0}', choices));
      return undefined;
    }
    const choice = await offerWeights(description, choices, machine, wanted.weights);
    if (choice === undefined) return undefined;
    const built = choice.build ? await hub.room.findBuilt(parts.store, description) : undefined;
    if (built !== undefined) return built;
    const downloaded = await download(parts, hub, description, choice);
    return choice.build ? await build(parts, hub, downloaded.dir) : downloaded.dir;
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    return tellFailure(parts, hub, wanted, machine, error);
  }
}

/** Asks the hub what a repository holds. */
function lookAt(hub: Hub, { name, revision = 'main' }: Wanted): Promise<RepoDescription> {
  return withProgress(t('Looking at {0}', name), async (_, signal) =>
    hub.room.describeRepo(name, revision, await hub.options(signal)),
  );
}

function download(
  { store, log }: ModelsParts,
  hub: Hub,
  description: RepoDescription,
  choice: WeightsChoice,
): Promise<Downloaded> {
  const { name, revision } = description;
  return withProgress(t('Downloading {0}', name), async (report, signal) => {
    const started = Date.now();
    const downloaded = await hub.room.download(
      { description, files: choice.files, store },
      { ...(await hub.options(signal)), onProgress: (progress) => report(inWords(progress), shareOf(progress)) },
    );
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    log.info(
      `downloaded ${name} at ${revision}: ${downloaded.transferredBytes} bytes over the network, ${downloaded.reusedBytes} reused, ${seconds} s, into ${downloaded.dir}`,
    );
    return downloaded;
  });
}

/** Builds the 4-bit graph beside the original weights, which are removed when it is there and has been checked. */
function build({ extensionPath, log, strings }: ModelsParts, hub: Hub, from: string): Promise<string> {
  return withProgress(t('Building the graph'), async (report, signal) =>
    hub.room.buildOnce(
      from,
      async (into, signal) => {
        const built = await buildInProcess(
          join(extensionPath, 'dist', 'engine.js'),
          { from, into, bits: 4 },
          {
            onProgress: ({ doing, fraction }) => report(doing, fraction),
            signal,
            strings,
            log: (line) => log.info(line),
          },
        );
        log.info(
          `built ${built.dir}: ${built.bytes} bytes in ${built.buildSeconds.toFixed(0)} s; logits correlate with the original's by ${built.correlation.toFixed(4)}`,
        );
      },
      signal,
      () => report(t('another window builds it already')),
    ),
  );
}

/** Runs work with a notification that shows how far it is, and can be cancelled. @throws Stopped where it was */
async function withProgress<T>(
  title: string,
  work: (report: (message: string, fraction?: number) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    let shown = 0;
    try {
      return await work((message, fraction = 0) => {
        const percent = Math.floor(fraction * 100);
        progress.report({ message, increment: Math.max(0, percent - shown) });
        shown = Math.max(shown, percent);
      }, abort.signal);
    } catch (error) {
      throw abort.signal.aborted ? new Stopped() : error;
    }
  });
}

/** How far a download is: 1.2 of 3.1 GB · 12 MB/s · 2 min left. */
export function inWords({ phase, doneBytes, totalBytes, bytesPerSecond, secondsLeft, file }: Progress): string {
  if (phase === 'verify') return t('checking {0}', file);
  if (phase === 'wait') return t('waiting for the hub');
  const parts = [t('{0} of {1}', bytesInWords(doneBytes), bytesInWords(totalBytes))];
  if (phase === 'reuse') return [...parts, t('from the cache of the hub on this machine')].join(' · ');
  if (bytesPerSecond !== undefined) parts.push(t('{0}/s', bytesInWords(bytesPerSecond)));
  if (secondsLeft !== undefined) parts.push(t('{0} left', timeInWords(secondsLeft)));
  return parts.join(' · ');
}

function shareOf({ doneBytes, totalBytes }: Progress): number {
  return totalBytes > 0 ? doneBytes / totalBytes : 0;
}

/** Says what went wrong, with the ways on. */
async function tellFailure(
  parts: ModelsParts,
  hub: Hub,
  wanted: Wanted,
  machine: MachineFacts,
  error: unknown,
): Promise<string | undefined> {
  const message = error instanceof Error ? error.message : String(error);
  parts.log.error(`${wanted.name}: ${message}`);
  const code = (error as { code?: unknown }).code;
  const [again, token, log] = [t('Try Again'), t('Set Token'), t('Show Log')];
  const ways = code === 'unauthorised' || code === 'gated' ? [token, again, log] : [again, log];
  const way = await vscode.window.showErrorMessage(t('Glassbox: {0}', message), ...ways);
  if (way === log) parts.log.show();
  if (way === token) await vscode.commands.executeCommand('glassbox.setHubToken');
  return way === again || way === token ? fetchModel(parts, hub, wanted, machine) : undefined;
}
