// What a model reads and writes while it is measured: ordinary code, whose next tokens are neither sure nor wild guesses.

import { Tokenizer } from '../tokenizer';
import type { ModelFolder } from '../modelFolder';

const TEXT = `// Keeps the newest values of each name, and forgets the oldest when there are too many.
export class Recent<T> {
  readonly #values = new Map<string, T[]>();
  readonly #most: number;

  constructor(most: number) {
    if (!Number.isInteger(most) || most < 1) throw new RangeError(\`most must be a whole number above 0, not \${most}\`);
    this.#most = most;
  }

  add(name: string, value: T): void {
    const values = this.#values.get(name) ?? [];
    values.push(value);
    while (values.length > this.#most) values.shift();
    this.#values.set(name, values);
  }

  get(name: string): readonly T[] {
    return this.#values.get(name) ?? [];
  }
}

def mean(values):
    """The arithmetic mean; 0 for nothing."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values) if values else 0.0
`;

/** So many ids of code, as the model's tokenizer writes it, over and over. @throws EngineError `tokenizer_damaged` */
export function codeIds(folder: ModelFolder, count: number): number[] {
  const ids = new Tokenizer(folder).encodeText(TEXT).filter((id) => id < folder.config.vocab);
  return Array.from({ length: count }, (_, i) => ids[i % ids.length] ?? 0);
}
