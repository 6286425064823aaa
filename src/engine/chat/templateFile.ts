// Where a model folder keeps its chat template.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t } from '../../l10n';
import { EngineError } from '../errors';

/** A chat template as it is written. */
export interface TemplateFile {
  text: string;
  /** The file that holds it, for people. */
  path: string;
}

/**
 * The chat template of a model folder: `chat_template.jinja`, else `chat_template` in tokenizer_config.json, else in chat_template.json,
 * which is the order of Hugging Face transformers. Of several templates it is the one called "default", or the only one.
 * @returns undefined where there is none
 * @throws EngineError `template_damaged`
 */
export function readTemplate(dir: string, tokenizerConfig: Record<string, unknown>): TemplateFile | undefined {
  const jinja = join(dir, 'chat_template.jinja');
  if (existsSync(jinja)) return { text: read(jinja), path: jinja };
  const config = join(dir, 'tokenizer_config.json');
  const inConfig = chosen(tokenizerConfig['chat_template'], config);
  if (inConfig !== undefined) return { text: inConfig, path: config };
  const json = join(dir, 'chat_template.json');
  if (!existsSync(json)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(read(json));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw damaged(json, (error as Error).message);
  }
  const text = chosen((value as Record<string, unknown> | null)?.['chat_template'], json);
  return text === undefined ? undefined : { text, path: json };
}

/** The text of a template that is a string, or one of a list of named ones. */
function chosen(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  const named = (Array.isArray(value) ? value : []) as unknown[];
  const known = named.filter((one): one is { name: string; template: string } => {
    const { name, template } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof template === 'string';
  });
  const found = known.find(({ name }) => name === 'default') ?? (known.length === 1 ? known[0] : undefined);
  if (found === undefined)
    throw damaged(path, t('"chat_template" is neither a text nor a list of named texts with one called "default"'));
  return found.template;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw damaged(path, (error as Error).message);
  }
}

/** A chat template that cannot be used. */
export function damaged(path: string, why: string): EngineError {
  return new EngineError(
    'template_damaged',
    t('The chat template in {0} cannot be used: {1}. Restore the file, or delete the template.', path, why),
  );
}
