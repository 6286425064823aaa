// Makes model folders with a chat template: the one whose text is known (cycleModel.ts), which ends its turn after the letters, and the random
// one (tinyModel.ts).

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LINES, writeCycleModel } from './cycleModel';
import { writeTinyModel } from './tinyModel';

/** What the model of `writeAnsweringModel` answers, whatever it is asked. */
export const ANSWER = LINES[0];

/** Roles and messages, `<s>` before and `</s>` after each. */
const TEMPLATE =
  "{% for message in messages %}{{ '<s>' + message.role + '\n' + message.content + '</s>' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}";

/** A model that answers `ANSWER`: the token after the letters, which stands for a line break and an A elsewhere, is the end of its turn. */
export function writeAnsweringModel(dir: string): void {
  writeCycleModel(dir);
  const path = join(dir, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as { added_tokens: Record<string, unknown>[] };
  const [any] = tokenizer.added_tokens;
  tokenizer.added_tokens.push({ ...any, id: 259, content: '<|end|>' });
  writeFileSync(path, JSON.stringify(tokenizer));
  writeFileSync(join(dir, 'chat_template.jinja'), TEMPLATE.replaceAll('</s>', '<|end|>'));
}

/** A model that answers `cycleText`, without end. */
export function writeTalkingModel(dir: string): void {
  writeCycleModel(dir);
  writeFileSync(join(dir, 'chat_template.jinja'), TEMPLATE);
}

/** A model with random weights that holds 128 tokens. */
export function writeChattingModel(dir: string): void {
  writeTinyModel(dir);
  writeFileSync(join(dir, 'chat_template.jinja'), TEMPLATE);
}
