// Where a generated text goes, and what the model is shown for that place.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { CompletionRequest } from '../../protocol';
import { isForWriting, lineComment, pathForModel, textAround } from '../documents';
import type { Wish } from './chatFraming';
import { commentIn, withPrompt } from './framing';

/** At the cursor; in place of the selection; on a new line after it; in a new document. */
export type Target = 'cursor' | 'replace' | 'after' | 'document';

/** What the model is shown. */
export type Shown = Pick<CompletionRequest, 'prefix' | 'suffix' | 'path' | 'context'>;

export interface Place {
  editor: vscode.TextEditor;
  /** What the text replaces; empty where it is inserted. */
  range: vscode.Range;
  /** Written before the model's first text. */
  lead: string;
  /** The document was opened for the text, and goes with it. */
  opened: boolean;
  /** What the model is shown, as the document is now. @param range where `Place.range` is now */
  shown(range: vscode.Range): Shown;
  /** What a model that was taught to chat is asked for, as the document is now; undefined where nothing was asked. */
  wish(range: vscode.Range): Wish | undefined;
  /** What an encoder–decoder model reads: the prompt and what is selected; undefined where there is neither. */
  source: string | undefined;
}

/** Targets that an editor offers, the most likely first. */
export function targetsIn(editor: vscode.TextEditor | undefined): Target[] {
  if (editor === undefined || !isForWriting(editor.document)) return ['document'];
  return editor.selection.isEmpty ? ['cursor', 'document'] : ['replace', 'after', 'document'];
}

/** Opens a new document where that is the target, and says how to write there. @param prompt '' to go on without one */
export function placeFor(
  target: Target,
  prompt: string,
  source: vscode.TextEditor | undefined,
): Promise<Place> | Place {
  if (source === undefined) return inEmptyDocument(prompt);
  if (target === 'document') return besides(source, prompt);
  const { document, selection } = source;
  const comment = commentIn(document.languageId, lineComment(document.languageId));
  const path = pathForModel(document);
  const selected =
    target === 'cursor' ? new vscode.Range(selection.active, selection.active) : trimmed(document, selection);
  const replaced = target === 'replace' ? unix(document.getText(selected)) : '';
  const end = document.lineAt(selected.end).range.end;
  const indent = /^[ \t]*/.exec(document.lineAt(selected.start).text)?.[0] ?? '';
  const lead = target === 'after' ? `\n${indent}` : '';
  const chosen = target === 'cursor' ? '' : unix(document.getText(selected));
  return {
    editor: source,
    range: target === 'after' ? new vscode.Range(end, end) : selected,
    lead,
    opened: false,
    source: sourceOf(prompt, chosen),
    shown: (range) => {
      const { before, after } = textAround(document, range);
      return { prefix: withPrompt(before + lead, prompt, comment, replaced), suffix: after, path };
    },
    wish: (range) => {
      if (prompt === '') return undefined;
      const linePrefix = lead === '' ? document.lineAt(range.start).text.slice(0, range.start.character) : indent;
      const language = document.languageId;
      return { prompt, language, path, ...textAround(document, range), replaced, lead, linePrefix };
    },
  };
}

/** A selection without the blanks and line ends around it, so that the new text stands where the old one did; all of it where there is nothing else. */
function trimmed(document: vscode.TextDocument, selection: vscode.Range): vscode.Range {
  const text = document.getText(selection);
  if (text.trim() === '') return selection;
  const start = document.offsetAt(selection.start);
  const from = start + text.length - text.trimStart().length;
  return new vscode.Range(document.positionAt(from), document.positionAt(start + text.trimEnd().length));
}

/** No editor is open: plain text, and the prompt is its beginning. */
async function inEmptyDocument(prompt: string): Promise<Place> {
  const editor = await newEditor('plaintext');
  const path = pathForModel(editor.document);
  return {
    ...atStart(editor),
    lead: prompt,
    source: sourceOf(prompt, ''),
    shown: () => ({ prefix: prompt, suffix: '', path }),
    wish: () => ({ ...IN_NOTHING, prompt, language: 'plaintext', path }),
  };
}

/** The prompt and the text it is about, as such models were taught: "translate English to German: …", ">>deu<< …". */
function sourceOf(prompt: string, selected: string): string | undefined {
  const parts = [prompt.trim(), selected.trim()].filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join(' ');
}

/** A wish for a document that is empty. */
const IN_NOTHING = { before: '', after: '', replaced: '', lead: '', linePrefix: '' };

/** A new document in the language of another one, which the model is shown beside it. */
async function besides(source: vscode.TextEditor, prompt: string): Promise<Place> {
  const { document, selection } = source;
  const { languageId } = document;
  const other = { path: pathForModel(document), text: textAround(document, selection).before };
  const selected = selection.isEmpty ? '' : unix(document.getText(trimmed(document, selection)));
  const editor = await newEditor(languageId);
  const prefix = withPrompt('', prompt, commentIn(languageId, lineComment(languageId)), selected);
  const path = pathForModel(editor.document);
  return {
    ...atStart(editor),
    lead: '',
    source: sourceOf(prompt, selected),
    shown: () => ({ prefix, suffix: '', path, context: [other] }),
    wish: () => ({ ...IN_NOTHING, prompt, language: languageId, path, replaced: selected, other }),
  };
}

async function newEditor(language: string): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language, content: '' }));
}

function atStart(editor: vscode.TextEditor): Pick<Place, 'editor' | 'range' | 'opened'> {
  return { editor, range: new vscode.Range(0, 0, 0, 0), opened: true };
}

function unix(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

/** A target in words. */
export function targetName(target: Target): string {
  switch (target) {
    case 'cursor':
      return t('Insert at the Cursor');
    case 'replace':
      return t('Replace the Selection');
    case 'after':
      return t('Insert After the Selection');
    case 'document':
      return t('Write in a New Document');
  }
}
