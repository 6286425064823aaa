// Loads what choosing a model needs when it is first needed: the start of the editor does not wait for it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as room from './models';
import type { Models, ModelsParts } from './models';

/** @param extensionPath folder of the extension @returns what loads it the first time it is called */
export function lazyModels(extensionPath: string, parts: ModelsParts): () => Models {
  let loaded: Models | undefined;
  return () => {
    const load = createRequire(join(extensionPath, 'package.json'));
    loaded ??= (load('./dist/models.js') as typeof room).startModels(parts);
    return loaded;
  };
}
