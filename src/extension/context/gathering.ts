// Collects the parts of other files that may help at a place: definitions of the words there, where something was changed, imported files,
// files that were shown, and what was copied. Each source is asked at once; what has not come in time is left out.

import * as vscode from 'vscode';
import { definitionAt } from '../../completion/excerpt';
import { rankBySimilarity } from '../../completion/similarity';
import { fileOf, pathForModel, pathOf } from '../documents';
import type { Exclusion } from '../exclusion';
import { copiedText } from './copied';
import { definitionsNear } from './definitions';
import { importedFiles } from './importedFiles';
import { readText } from './reading';
import type { Kind, Part } from './parts';
import type { Place, Recent } from './recent';

/** Lines around the cursor that a part is compared with. */
const LINES_BEFORE = 50;
const LINES_AFTER = 10;
/** Characters of it on either side: lines may be as long as a file. */
const NEAR = 8000;
/** What stands this near to the cursor the model sees anyway, in lines. */
const SEEN_BEFORE = 120;
const SEEN_AFTER = 30;
const DEFINITION_LINES = 20;
const EDIT_BEFORE = 8;
const EDIT_AFTER = 12;
/** Of a longer file only so many lines around the place that was on show are looked at: the words of all of them are counted in the extension host. */
const LOOKED_AT = 1000;
/** A language's extension has so long to say where the words are defined: it has other work, which a programmer waits for; in milliseconds. */
const LANGUAGE_MS = 100;
/** Everything has so long, in milliseconds: a file system may be slow, or gone. Nobody waits for it. */
const BUDGET_MS = 5000;

/**
 * Collects for a place in a document.
 * @returns the parts, in no order
 */
export async function gather(
  document: vscode.TextDocument,
  position: vscode.Position,
  recent: Recent,
  exclusion: Exclusion,
  log: vscode.LogOutputChannel,
): Promise<Part[]> {
  const own = fileOf(document).toString();
  const before = document.getText(
    new vscode.Range(Math.max(0, position.line - LINES_BEFORE), 0, position.line, position.character),
  );
  const after = document.getText(new vscode.Range(position, new vscode.Position(position.line + LINES_AFTER, 0)));
  const around = before.slice(-NEAR) + after.slice(0, NEAR);
  const texts = new Map<string, Promise<string | undefined>>();
  const read = (uri: vscode.Uri): Promise<string | undefined> => {
    const key = uri.toString();
    const found = texts.get(key) ?? readText(uri, exclusion);
    texts.set(key, found);
    return found;
  };
  const parts: Part[] = [];
  const take = (kind: Kind, file: vscode.Uri, text: string, line = 0): void => {
    const path = pathOf(file);
    const uri = file.toString();
    const [best] = rankBySimilarity(around, [{ path, text }]);
    if (best !== undefined) parts.push({ kind, path, uri, text: best.text, line: line + best.line, score: best.score });
    else if (kind === 'definition') parts.push({ kind, path, uri, text, line, score: 0 });
  };
  const isSeen = ({ uri, line }: Place): boolean =>
    uri.toString() === own && line > position.line - SEEN_BEFORE && line < position.line + SEEN_AFTER;

  const definition = async (place: Place): Promise<void> => {
    // What the user has not written is in the language's libraries: the model knows those, or nobody wants them.
    if (isSeen(place) || vscode.workspace.getWorkspaceFolder(place.uri) === undefined) return;
    const text = await read(place.uri);
    if (text === undefined) return;
    take('definition', place.uri, definitionAt(text, place.line, DEFINITION_LINES), place.line);
  };
  const edited = async (place: Place): Promise<void> => {
    const text = isSeen(place) ? undefined : await read(place.uri);
    if (text === undefined) return;
    const first = Math.max(0, place.line - EDIT_BEFORE);
    take('edited', place.uri, excerpt(text, first, EDIT_BEFORE + EDIT_AFTER), first);
  };
  const whole = async (kind: Kind, { uri, line }: Place): Promise<void> => {
    const text = uri.toString() === own ? undefined : await read(uri);
    if (text === undefined) return;
    const first = Math.max(0, line - LOOKED_AT / 2);
    take(kind, uri, excerpt(text, first, LOOKED_AT), first);
  };
  const copied = async (): Promise<void> => {
    const text = await copiedText(exclusion);
    const ending = /\.[^./]*$/.exec(pathForModel(document))?.[0] ?? '';
    if (text === undefined || document.getText().includes(text)) return;
    const path = `copied${ending}`;
    const [best] = rankBySimilarity(around, [{ path, text }]);
    if (best !== undefined) parts.push({ kind: 'copied', path, text: best.text, line: best.line, score: best.score });
  };
  const sources: Promise<unknown>[] = [
    ...definitionsNear(document, position).map(async (places) =>
      Promise.all(((await inTime(places, LANGUAGE_MS)) ?? []).map(definition)),
    ),
    ...recent.edits.map(edited),
    ...recent.files.map((place) => whole('open', place)),
    importedFiles(document).then((uris) => Promise.all(uris.map((uri) => whole('imported', { uri, line: 0 })))),
    copied(),
  ];
  const failed = (error: unknown): void => log.debug(`other files: ${String(error)}`);
  const ended = Promise.all(sources.map((source) => source.catch(failed)));
  await inTime(ended, BUDGET_MS);
  return [...parts]; // what comes later is left out
}

function excerpt(text: string, first: number, lines: number): string {
  return text
    .split('\n')
    .slice(first, first + lines)
    .join('\n');
}

/** @returns undefined where the answer has not come after so many milliseconds */
async function inTime<T>(answer: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
  }
}
