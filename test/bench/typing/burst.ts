// Types a text into a real window at an exact pace and records what happens: keys, document, provider, screen, processor time.
// Runs inside the extension host, in the benchmark and in the test that is its short form.

import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import type { Driver } from '../../host/driver';
import type { Answer, Burst } from './judge';
import type { Passage } from './passages';
import { processorSeconds } from './processes';

export interface RecordedBurst extends Burst {
  language: string;
  /** Suggestions were on. */
  enabled: boolean;
  /** Times the provider asked the model. */
  asked: number;
  /** Processor time meanwhile, in seconds; undefined where the system does not say. */
  engineSeconds: number | undefined;
  hostSeconds: number | undefined;
  /** How late each key was sent, in milliseconds. */
  lateMs: number[];
}

/** How long after the last key something may still come, in milliseconds. */
const AFTERWARDS_MS = 1500;

/** Types the passage at the cursor of `editor`, which stands where it belongs, at so many keys a second, and records it. */
export async function typeBurst(
  { document }: vscode.TextEditor,
  driver: Driver,
  api: Api,
  passage: Passage,
  keysPerSecond: number,
): Promise<RecordedBurst> {
  const { before, typed, after, language } = passage;
  const start = before.length;
  const counts: number[] = [];
  const changed = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document !== document || event.contentChanges.length === 0) return;
    const text = document.getText();
    const count = text.length - before.length - after.length;
    counts.push(text === before + typed.slice(0, count) + after ? count : -1);
  });
  const watch = watchAnswers(api, document, start);
  const asked = api.modelRequests();
  const enginePid = api.enginePid();
  const cpu = (): (number | undefined)[] => [enginePid, process.pid].map(processorSeconds);
  await driver.startGhost();
  const [engine, host] = cpu();
  try {
    const lateMs = await driver.typePaced(typed, 1000 / keysPerSecond);
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
    const [engineAfter, hostAfter] = cpu();
    const { frames, keys } = await driver.stopRecording();
    return {
      language,
      enabled: api.status().enabled,
      typed,
      firstLine: document.positionAt(start).line + 1,
      counts,
      keys,
      frames,
      answers: watch.answers,
      asked: api.modelRequests() - asked,
      engineSeconds: difference(engineAfter, engine),
      hostSeconds: difference(hostAfter, host),
      lateMs,
    };
  } finally {
    watch.dispose();
    changed.dispose();
  }
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

/** Notes what the provider answers for a document until disposed; `start` is where the typed text begins. */
function watchAnswers(api: Api, document: vscode.TextDocument, start: number): { answers: Answer[]; dispose(): void } {
  const { provider } = api;
  const answers: Answer[] = [];
  const answer = provider.provideInlineCompletionItems.bind(provider);
  provider.provideInlineCompletionItems = async (about, position, context, token) => {
    const after = document.offsetAt(position) - start;
    const running = api.status().generating;
    const asked = api.modelRequests();
    const given = await answer(about, position, context, token);
    const from = api.modelRequests() > asked ? 'model' : running ? 'running' : 'memory';
    if (about === document) {
      const items = Array.isArray(given) ? given : (given?.items ?? []);
      for (const { insertText, range } of items) {
        const text = typeof insertText === 'string' ? insertText : insertText.value;
        const there = range === undefined ? '' : document.getText(new vscode.Range(range.start, position));
        if (text.startsWith(there)) answers.push({ after, text: text.slice(there.length), from });
      }
    }
    return given;
  };
  return { answers, dispose: () => void (provider.provideInlineCompletionItems = answer) };
}
