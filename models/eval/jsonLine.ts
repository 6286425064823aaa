// One line of a file that holds a JSON object a line.

import { BadInput } from '../../src/cliInput';

/**
 * Reads a line.
 * @param fields those that must be there, as strings
 * @param place the file and the number of the line, for the message
 * @throws BadInput naming the place where it is no such object
 */
export function jsonLine<Field extends string>(
  line: string,
  fields: readonly Field[],
  place: string,
): Record<Field, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BadInput(`${place} is damaged: it is not JSON.`);
  }
  const found = (typeof value === 'object' && value !== null ? value : {}) as Record<Field, unknown>;
  const missing = fields.find((field) => typeof found[field] !== 'string');
  if (missing !== undefined) throw new BadInput(`${place} is damaged: it has no "${missing}".`);
  return found as Record<Field, string>;
}
