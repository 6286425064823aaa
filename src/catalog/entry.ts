// The list of models that the product knows by itself, models/catalog.json: what it holds, and that it holds it. Pure.

/** A model of the list. Sizes are those of the weights named in `weights`, in bytes. */
export interface CatalogEntry {
  /** On the hub: owner/name. */
  name: string;
  title: string;
  parameters: number;
  /** As the hub names it. */
  licence: string;
  /** Tokens. */
  context: number;
  fillInTheMiddle: boolean;
  /** It was taught to answer in turns. */
  chat: boolean;
  /** The ONNX file to download, or `safetensors`: the original weights, from which the 4-bit graph is built here. */
  weights: string;
  /** What is downloaded. */
  downloadBytes: number;
  /** What the weights take up once they are here and built. */
  weightsBytes: number;
  /** The smallest machine that it suits, in GB of memory; see fit.ts. */
  machine: number;
}

const CHECKS: Record<keyof CatalogEntry, (value: unknown) => boolean> = {
  name: (value) => typeof value === 'string' && REPOSITORY.test(value),
  title: (value) => typeof value === 'string' && value !== '',
  parameters: positive,
  licence: (value) => typeof value === 'string' && value !== '',
  context: positive,
  fillInTheMiddle: (value) => typeof value === 'boolean',
  chat: (value) => typeof value === 'boolean',
  weights: (value) => typeof value === 'string' && (value === 'safetensors' || value.endsWith('.onnx')),
  downloadBytes: positive,
  weightsBytes: positive,
  machine: positive,
};

/** What a repository of the hub is called: owner/name. */
export const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/**
 * Reads the list.
 * @param text the JSON
 * @throws Error that names the entry and the field that is wrong
 */
export function readCatalog(text: string): CatalogEntry[] {
  const file = JSON.parse(text) as { models?: unknown };
  if (!Array.isArray(file.models)) throw new Error('models/catalog.json has no list "models"');
  return file.models.map((entry: Record<string, unknown>, i) => {
    for (const [field, valid] of Object.entries(CHECKS))
      if (!valid(entry[field])) throw new Error(`models/catalog.json: entry ${i + 1} has no valid "${field}"`);
    return entry as unknown as CatalogEntry;
  });
}

function positive(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
