// Where a suggestion is not asked for, and why.

import * as vscode from 'vscode';
import { isEnabled, type Config } from './config';
import { isForWriting } from './documents';
import type { Completer } from './completer';
import * as reasons from './reasons';
import type { Reason } from './why';

/** Where somebody asks. */
export interface Asked {
  document: vscode.TextDocument;
  position: vscode.Position;
  /** The document before the cursor and after it; what an entry of the editor's list would write counts as written. */
  prefix: string;
  suffix: string;
  /** By hand. */
  invoked: boolean;
}

/** Columns of a tab stop where nothing is said: the editor's own default. */
const TAB = 4;
const WORD = /^[\p{L}\p{N}_$]/u;
const WORD_BEFORE = /[\p{L}\p{N}_$]$/u;

/** Why there is no question to ask the model; undefined where there is one. */
export function reasonNotToAsk(asked: Asked, config: Config, state: Completer['state']): Reason | undefined {
  const { document, position, prefix, suffix, invoked } = asked;
  if (!isForWriting(document)) return reasons.notForWriting();
  if (!invoked && !isEnabled(document)) return reasons.off(config, document);
  if (state.kind === 'failed') return reasons.failed(state.reason);
  const rewrites = reasonOfModel(state);
  if (rewrites !== undefined) return rewrites;
  const editor = editorOf(document);
  if (editor?.selection.isEmpty === false && editor.selection.contains(position)) return reasons.selection();
  if (prefix.trim() === '') return reasons.empty();
  // Before a word only who asks by hand gets something, and never in the middle of one.
  if (WORD.test(suffix) && (!invoked || WORD_BEFORE.test(prefix))) return reasons.midWord();
  return undefined;
}

/** Why the model that is loaded has no suggestions; undefined where it has, or is not known yet. */
export function reasonOfModel(state: Completer['state']): Reason | undefined {
  return (state.kind === 'ready' || state.kind === 'asleep') && state.info.kind === 'encoder-decoder'
    ? reasons.rewrites(state.info.name)
    : undefined;
}

/** Columns of a tab stop in a document. */
export function tabSizeOf(document: vscode.TextDocument): number {
  const size = editorOf(document)?.options.tabSize;
  return typeof size === 'number' ? size : TAB;
}

function editorOf(document: vscode.TextDocument): vscode.TextEditor | undefined {
  const active = vscode.window.activeTextEditor;
  return active?.document === document
    ? active
    : vscode.window.visibleTextEditors.find((editor) => editor.document === document);
}
