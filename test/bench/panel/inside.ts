// The benchmark's half inside the extension host: writes texts, opens the panel, and has its page look at itself.

import { readFileSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { connectDriver, type Driver } from '../../host/driver';
import { runAll, type HostTest, type TestContext } from '../../host/suite/hostTest';
import { scene, tidy } from '../../host/suite/scene';
import { glassbox, open, setting, until } from '../../host/suite/window';
import type { Case } from './models';
import { install, type Frames, type Waited, type Weighed } from './recorder.mjs';

/** What window.ts wants measured. */
export interface Job {
  settings: object;
  /** Each with two texts to write on. */
  cases: (Case & { texts: string[] })[];
  actions: string[];
  /** Frames of an action; times that somebody waits for a picture. */
  frames: number;
  waits: number;
  written: number;
}

/** What was found in one case. */
export interface Found {
  layers: number;
  heads: number;
  /** Tokens on the page. */
  tokens: number;
  frames: Record<string, Frames>;
  waits: Record<string, (Waited | undefined)[]>;
  messages: Record<string, Weighed>;
}

export async function run(): Promise<void> {
  const job = JSON.parse(readFileSync(process.env['GLASSBOX_JOB'] ?? '', 'utf8')) as Job;
  const record: Found[] = [];
  const tests = job.cases.map((each): HostTest => ({
    name: `${each.layers} × ${each.heads} heads, ${each.tokens} tokens`,
    timeoutMs: 400_000,
    run: async (t) => void record.push(await measured(t, t.needDriver(), job, each)),
  }));
  await runAll(tests, connectDriver(), (line) => console.log(line), scene, tidy);
  writeFileSync(process.env['GLASSBOX_RECORD'] ?? '', JSON.stringify(record));
  if (record.length === 0) throw new Error('nothing was measured');
}

async function measured(
  t: TestContext,
  driver: Driver,
  job: Job,
  { model, layers, heads, texts }: Job['cases'][number],
): Promise<Found> {
  // prettier-ignore
  const api = await glassbox();
  const look = <T>(expression: string): Promise<T> => driver.webview.evaluate<T>(`glassboxWatch.${expression}`);
  if (model !== undefined) {
    await setting(t, 'model', model);
    await until('the model', () => {
      const { engine } = api.status();
      return (engine.kind === 'ready' && engine.info.layers === layers && engine.info.dir === model) || undefined;
    });
  }
  await setting(t, 'generate.maxTokens', job.written);
  const [first = '', second = ''] = texts;
  await open(t, 'typescript', `${first}‸`);
  await vscode.commands.executeCommand('glassbox.continueHere');
  const editor = await open(t, 'typescript', `${second}‸`);
  await vscode.commands.executeCommand('glassbox.showAttention');
  t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  await until('the engine to follow', () => api.watching() || undefined);
  await until('the page', () => driver.webview.evaluate<boolean>(`document.querySelector('.token') !== null`).catch(() => false).then((there) => there || undefined)); // prettier-ignore
  await driver.webview.evaluate(`(${install.toString()})()`);
  await look('quiet()');
  const end = editor.document.positionAt(editor.document.getText().length);
  await vscode.window.showTextDocument(editor.document, { viewColumn: vscode.ViewColumn.One, selection: new vscode.Range(end, end) }); // prettier-ignore

  const frames: Found['frames'] = {};
  await look('grow()');
  await vscode.commands.executeCommand('glassbox.continueHere');
  await look('quiet()');
  frames['rows grow'] = await look('stop()');
  await vscode.commands.executeCommand('glassbox.showAttention');
  for (const action of job.actions) frames[action] = await look(`frames(${JSON.stringify(action)}, ${job.frames})`);

  const waits: Found['waits'] = {};
  waits['head'] = await look(`heads(${job.waits}, ${heads})`);
  await look(`open('The query in all heads', true)`);
  waits['row'] = await look(`rows(${job.waits})`);
  await look(`open('The query in all heads', false)`);
  waits['overview'] = await look(`overviews(${Math.ceil(job.waits / 2)})`);
  await look(`open('Did it matter?', true)`);
  waits['effects'] = await look(`effects(${Math.ceil(job.waits / 4)})`);
  const found = { layers, heads, tokens: await look<number>('size()'), frames, waits };
  return { ...found, messages: await look('weigh()') };
}
