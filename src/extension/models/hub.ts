// The hub as the editor reaches it: its address, its token, and the bundle that downloads, loaded when it is first needed.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as download from '../../download';
import { tokenFor } from './hubToken';
import type { ModelsParts } from './models';

const HUB = 'https://huggingface.co';

export class Hub {
  readonly #parts: ModelsParts;
  #loaded: typeof download | undefined;

  constructor(parts: ModelsParts) {
    this.#parts = parts;
  }

  /** The address in the settings, else that of the environment, as the hub's own tools take it; without a slash at the end. */
  get endpoint(): string {
    const { hubEndpoint } = this.#parts.config();
    return (hubEndpoint || process.env['HF_ENDPOINT'] || HUB).replace(/\/+$/, '');
  }

  /** What downloads. */
  get room(): typeof download {
    const load = createRequire(join(this.#parts.extensionPath, 'package.json'));
    if (this.#loaded === undefined) {
      this.#loaded = load('./dist/download.js') as typeof download;
      this.#loaded.useStrings(this.#parts.strings);
    }
    return this.#loaded;
  }

  /** How it is reached. In the editor's process `fetch` goes through the editor's proxy and trusts its certificates. */
  async options(signal: AbortSignal): Promise<download.HubOptions> {
    // An address that is none has no token; describeRepo says what is wrong with it.
    const token = URL.canParse(this.endpoint) ? await tokenFor(this.#parts.secrets, this.endpoint) : undefined;
    return {
      endpoint: this.endpoint,
      ...(token === undefined ? {} : { token }),
      fetch: globalThis.fetch,
      signal,
    };
  }
}
