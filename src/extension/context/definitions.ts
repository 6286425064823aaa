// Where the words near the cursor are defined, as the language's own extension says.

import * as vscode from 'vscode';
import { identifiersOf } from '../../completion/similarity';
import type { Place } from './recent';

/** Lines above the cursor whose words are asked for. */
const LINES = 8;
/** Of a longer line only so many characters before the cursor, or from its beginning, are looked at. */
const MAX_CHARS = 1000;
const MAX_WORDS = 6;

/** The places where the words above the cursor are defined, those of the nearest word first; each arrives by itself. */
export function definitionsNear(document: vscode.TextDocument, position: vscode.Position): Promise<Place[]>[] {
  return wordsNear(document, position).map(async (word) => {
    const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[] | undefined>(
      'vscode.executeDefinitionProvider',
      document.uri,
      word,
    );
    return (found ?? []).map((place) =>
      'targetUri' in place
        ? { uri: place.targetUri, line: place.targetRange.start.line }
        : { uri: place.uri, line: place.range.start.line },
    );
  });
}

/** Positions of the last words before the cursor, each word once, the nearest first; the word being typed is none. */
function wordsNear(document: vscode.TextDocument, position: vscode.Position): vscode.Position[] {
  const found = new Map<string, vscode.Position>();
  for (let line = position.line; line >= 0 && line > position.line - LINES; line--) {
    const from = line === position.line ? Math.max(0, position.character - MAX_CHARS) : 0;
    const to = line === position.line ? position.character : MAX_CHARS;
    const text = document.lineAt(line).text.slice(from, to);
    const words = [...text.matchAll(/[\p{L}_$][\p{L}\p{N}_$]+(?=[^\p{L}\p{N}_$])/gu)].reverse();
    for (const { 0: word, index } of words) {
      if (identifiersOf(word).length === 0 || found.has(word)) continue;
      found.set(word, new vscode.Position(line, from + index));
      if (found.size === MAX_WORDS) return [...found.values()];
    }
  }
  return [...found.values()];
}
