// Where the tokens of a completion stand in documents now.

import * as vscode from 'vscode';
import type { ContextFile } from '../../protocol';
import type { TextAnswer } from '../../inspectionProtocol';
import { originOf } from '../context/parts';
import type { Suggestion } from './suggestion';

export interface Place {
  uri: string;
  range: vscode.Range;
}

export interface Places {
  sequence: number;
  /** By position; undefined where a token stands nowhere. */
  at: (Place | undefined)[];
  /** Something that the model was shown of a document has been edited since. */
  changed: boolean;
}

/**
 * Where each token stands. Without the suggestion nothing is known of that.
 * @param homeless the suggestion is forgotten, because its document is gone
 */
export function placesOf(
  { sequence, tokens }: TextAnswer,
  suggestion: Suggestion | undefined,
  homeless: boolean,
): Places {
  if (suggestion === undefined) return { sequence, at: tokens.map(() => undefined), changed: homeless };
  const { document, anchor, request } = suggestion;
  const own = document.uri.toString();
  const excerpts = (request.context ?? []).map((file) => new Excerpt(file));
  const at = tokens.map(({ place }): Place | undefined => {
    if (place.in === 'frame') return undefined;
    if (place.in === 'file') return excerpts[place.file]?.place(place.start, place.end);
    const now = anchor.place(place);
    if (now === undefined) return undefined;
    return { uri: own, range: new vscode.Range(document.positionAt(now.start), document.positionAt(now.end)) };
  });
  return { sequence, at, changed: anchor.changed || excerpts.some(({ changed }) => changed) };
}

/** What the model was shown of another file, in that file. */
class Excerpt {
  readonly #text: string;
  readonly #uri: string | undefined;
  /** Its first line in the file now; undefined where it is not there any more. */
  readonly #line: number | undefined;
  /** Offsets at which its lines begin. */
  readonly #lines: number[] = [0];

  constructor(file: ContextFile) {
    this.#text = file.text;
    const origin = originOf(file);
    this.#uri = origin?.uri;
    for (let at = file.text.indexOf('\n'); at >= 0; at = file.text.indexOf('\n', at + 1)) this.#lines.push(at + 1);
    this.#line = origin && lineOf(file.text, origin.uri, origin.line);
  }

  get changed(): boolean {
    return this.#uri !== undefined && this.#line === undefined;
  }

  place(start: number, end: number): Place | undefined {
    if (this.#uri === undefined || this.#line === undefined) return undefined;
    return { uri: this.#uri, range: new vscode.Range(this.#position(start), this.#position(end)) };
  }

  #position(offset: number): vscode.Position {
    const inside = Math.min(offset, this.#text.length);
    let line = this.#lines.length - 1;
    while ((this.#lines[line] as number) > inside) line--;
    return new vscode.Position((this.#line ?? 0) + line, inside - (this.#lines[line] as number));
  }
}

/** Where an excerpt begins in its file as it is open now, the nearest to where it was; where the file is not open, where it was. */
function lineOf(text: string, uri: string, line: number): number | undefined {
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri);
  if (document === undefined) return line;
  const whole = `\n${document.getText().replaceAll('\r\n', '\n')}`;
  let best: number | undefined;
  let lines = 0;
  let from = 0;
  for (let at = whole.indexOf(`\n${text}`); at >= 0; at = whole.indexOf(`\n${text}`, at + 1)) {
    lines += whole.slice(from, at).split('\n').length - 1;
    from = at;
    if (best === undefined || Math.abs(lines - line) < Math.abs(best - line)) best = lines;
  }
  return best;
}
