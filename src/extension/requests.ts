// What the model is asked at a place: the text around it, other files, and the settings.

import type * as vscode from 'vscode';
import { FrozenSuffix } from '../completion/frozenSuffix';
import type { CompletionRequest } from '../protocol';
import type { Config } from './config';
import type { OtherFiles } from './context/otherFiles';
import { pathForModel } from './documents';

/** So many documents keep the suffix that was sent last. */
const MAX_FROZEN = 50;

export class Requests {
  readonly #config: () => Config;
  readonly #otherFiles: Pick<OtherFiles, 'current'>;
  readonly #frozen = new Map<string, FrozenSuffix>();

  constructor(config: () => Config, otherFiles: Pick<OtherFiles, 'current'>) {
    this.#config = config;
    this.#otherFiles = otherFiles;
  }

  /** The request for a suggestion between two texts of a document. */
  at(document: vscode.TextDocument, prefix: string, suffix: string): CompletionRequest {
    const { maxTokens, sampling, minProbability, workspaceMemory } = this.#config();
    const shownSuffix = this.#frozenFor(document.uri.toString()).shown(suffix, performance.now());
    return {
      prefix,
      suffix,
      ...(shownSuffix === suffix ? {} : { shownSuffix }),
      path: pathForModel(document),
      context: this.#otherFiles.current(document),
      maxTokens,
      sampling,
      raw: false,
      minProbability,
      memory: workspaceMemory,
    };
  }

  #frozenFor(uri: string): FrozenSuffix {
    const frozen = this.#frozen.get(uri) ?? new FrozenSuffix();
    this.#frozen.delete(uri);
    this.#frozen.set(uri, frozen); // the document used last is at the end
    if (this.#frozen.size > MAX_FROZEN) this.#frozen.delete(this.#frozen.keys().next().value as string);
    return frozen;
  }
}
