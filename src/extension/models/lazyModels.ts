// Loads what choosing a model and measuring the machine need when it is first needed: the start of the editor does not wait for it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as room from './models';
import type { Models, ModelsParts } from './models';

export class LazyModels {
  readonly #extensionPath: string;
  readonly #parts: ModelsParts;
  #loaded: Models | undefined;

  /** @param extensionPath folder of the extension */
  constructor(extensionPath: string, parts: ModelsParts) {
    this.#extensionPath = extensionPath;
    this.#parts = parts;
  }

  /** What was left out of the extension's own bundle. */
  loaded(): Models {
    const load = createRequire(join(this.#extensionPath, 'package.json'));
    this.#loaded ??= (load('./dist/models.js') as typeof room).startModels(this.#parts);
    return this.#loaded;
  }

  dispose(): void {
    this.#loaded?.dispose();
  }
}
