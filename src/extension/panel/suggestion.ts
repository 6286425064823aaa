// One completion that people have seen: what was asked, what was written, where it stands, what became of it.

import type * as vscode from 'vscode';
import type { CompletionRequest } from '../../protocol';
import type { SequenceEntry } from '../../webviewProtocol';
import { Anchor, type Spot } from './anchor';

export type Fate = SequenceEntry['fate'];

export class Suggestion {
  readonly document: vscode.TextDocument;
  /** What the engine was asked; the paths of its context files are found again by their index. */
  readonly request: CompletionRequest;
  readonly anchor: Anchor;
  /** When it was first seen, in milliseconds since 1970. */
  readonly at = Date.now();
  fate: Fate;
  readonly #text: () => string;
  readonly #sequence: () => number | undefined;

  /**
   * @param sequence the engine's id of the request, undefined as long as it is not known
   * @param text what the model has written up to now
   */
  constructor(
    document: vscode.TextDocument,
    request: CompletionRequest,
    spot: Spot,
    fate: Fate,
    sequence: () => number | undefined,
    text: () => string,
  ) {
    this.document = document;
    this.request = request;
    this.anchor = new Anchor(spot);
    this.fate = fate;
    this.#sequence = sequence;
    this.#text = text;
  }

  get sequence(): number | undefined {
    return this.#sequence();
  }

  /** The first line of its text that says something. */
  get title(): string {
    const line = /[^\n]*\S[^\n]*/.exec(this.#text())?.[0] ?? '';
    return line.trim().slice(0, 80);
  }
}
