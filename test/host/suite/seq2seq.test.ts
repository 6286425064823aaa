// An encoder–decoder model: Generate writes with it, and everybody who looks for suggestions is told why there are none.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { piecesOf, SEQ2SEQ_FORMS, writeSeq2Seq, type Seq2SeqForm } from '../../forms/seq2seq/folders';
import { seq2seqWeights } from '../../forms/seq2seq/shape';
import { greedily } from '../../seq2seqReference';
import { generate } from './generating';
import type { HostTest } from './hostTest';
import { ghost, open, otherModel, setting, sleep, until } from './window';

const T5 = SEQ2SEQ_FORMS[0] as Seq2SeqForm;
const TOKENS = 12;

/** What the model writes about a text. @param pieces of the text */
function said(pieces: string[]): string {
  const all = piecesOf(T5);
  const read = pieces.map((piece) => all.indexOf(piece));
  const written = greedily(seq2seqWeights(T5.shape), T5, read, TOKENS).map((id) => all[id] ?? '');
  return written
    .filter((piece) => !piece.startsWith('<'))
    .join('')
    .replaceAll('▁', ' ');
}

export const tests: HostTest[] = [
  {
    name: 'encoder–decoder: Generate writes what the model says about the prompt and the selection, and one undo takes it away',
    async run(t) {
      const driver = t.needDriver();
      await setting(t, 'generate.temperature', 0);
      await setting(t, 'generate.maxTokens', TOKENS);
      const api = await otherModel(t, 't5', (dir) => void writeSeq2Seq(dir, T5));
      const editor = await open(t, 'plaintext', 'a word\n‸');
      editor.selection = new vscode.Selection(0, 0, 0, 6);
      await (
        await generate(driver, 'translate the')
      ).done;
      const { engine } = api.status();
      assert.ok(engine.kind === 'ready' && engine.info.kind === 'encoder-decoder');
      const expected = said(['▁', 'translate', '▁the', '▁a', '▁', ...'word', '</s>']);
      assert.ok(expected.trim().length > 3, expected);
      assert.equal(editor.document.getText().trim(), expected.trim());
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), 'a word\n');
    },
  },
  {
    name: 'encoder–decoder: Continue Here rewrites what is selected, and fills the place of the cursor where nothing is',
    async run(t) {
      t.needDriver();
      await setting(t, 'generate.temperature', 0);
      await setting(t, 'generate.maxTokens', TOKENS);
      const api = await otherModel(t, 't5', (dir) => void writeSeq2Seq(dir, T5));
      const editor = await open(t, 'plaintext', 'a word\n‸the');
      editor.selection = new vscode.Selection(0, 0, 0, 6);
      await vscode.commands.executeCommand('glassbox.continueHere');
      const expected = said(['▁a', '▁', ...'word', '</s>']);
      assert.ok(expected.trim().length > 3, expected);
      assert.equal(editor.document.getText(), `${expected.trimStart()}\nthe`);
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), 'a word\nthe');
      const cursor = new vscode.Position(1, 0);
      editor.selection = new vscode.Selection(cursor, cursor);
      const requests = api.modelRequests();
      await vscode.commands.executeCommand('glassbox.continueHere');
      const filled = editor.document.getText();
      assert.ok(filled.startsWith('a word\n') && filled.endsWith('the') && filled !== 'a word\nthe', filled);
      assert.equal(api.modelRequests(), requests, 'it is no suggestion');
    },
  },
  {
    name: 'encoder–decoder: there are no suggestions, and the status, the question why and the panel say so',
    async run(t) {
      const driver = t.needDriver();
      const api = await otherModel(t, 't5', (dir) => void writeSeq2Seq(dir, T5));
      const requests = api.modelRequests();
      await open(t, 'typescript', 'const total‸');
      await driver.type(' = ');
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      await until('the reason', async () =>
        Promise.resolve(/encoder–decoder model/.test(api.why.last?.text ?? '') || undefined),
      );
      await sleep(300);
      assert.equal(await ghost(driver), '');
      assert.equal(api.modelRequests(), requests, 'the model is not asked');
      const label = await driver.evaluate<string>(
        `[...document.querySelectorAll('.statusbar-item')].map((item) => item.getAttribute('aria-label') ?? '').concat([...document.querySelectorAll('.statusbar-item a')].map((a) => a.getAttribute('aria-label') ?? '')).join('|')`,
      );
      assert.match(label, /makes no suggestions/);
    },
  },
  {
    name: 'encoder–decoder: who asks while it is being loaded gets no suggestion either',
    async run(t) {
      const driver = t.needDriver();
      const api = await otherModel(t, 't5', (dir) => void writeSeq2Seq(dir, T5));
      await open(t, 'typescript', 'const total = ‸');
      const restarted = vscode.commands.executeCommand('glassbox.restartEngine');
      await until('the engine being loaded', async () =>
        Promise.resolve(api.status().engine.kind === 'loading' || undefined),
      );
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      await restarted;
      await until('the engine', async () => Promise.resolve(api.status().engine.kind === 'ready' || undefined));
      await until('the reason', async () =>
        Promise.resolve(/encoder–decoder model/.test(api.why.last?.text ?? '') || undefined),
      );
      assert.equal(await ghost(driver), '');
    },
  },
];
