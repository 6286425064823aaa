// Files that hold a JSON object a line.

import { readFileSync } from 'node:fs';
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

/**
 * Reads the lines of a file, blank ones aside, each with its place for messages.
 * @throws BadInput naming the line that is damaged
 */
export function linesWith<Field extends string>(
  path: string,
  fields: readonly Field[],
): { found: Record<Field, string>; place: string }[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const place = `${path}:${i + 1}`;
      return [{ found: jsonLine(line, fields, place), place }];
    });
}
