// Runs a Jinja template with a limit on its work, since a template comes with a model and may be anything. The only user of
// @huggingface/jinja; knows nothing of conversations.

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { createContext, Script, type Context } from 'node:vm';
import { strftime } from './strftime';

/** Time for reading a template and for a rendering, in milliseconds; the longest conversations take some tens. */
const MOST_MS = 2000;
/** Characters of a text and elements of a list that a template may make. */
const MOST_CHARACTERS = 2 ** 24;
const MOST_ELEMENTS = 100_000;

type Statement = Parameters<Interpreter['evaluate']>[0];
type Scope = Parameters<Interpreter['evaluate']>[1];
type Value = ReturnType<Interpreter['evaluate']>;

/** What a template said with `raise_exception`. */
export class Refusal extends Error {}

/** A template that works without an end in sight, or on too much. */
export class Endless extends Error {}

/** Gives the text of a template. @throws Refusal where the template raises, Endless, or Error where it cannot be run */
export type Render = (values: Record<string, unknown>) => string;

/** Looks at what was made. */
class Bounded extends Interpreter {
  override evaluate(statement: Statement, scope: Scope): Value {
    const made = super.evaluate(statement, scope);
    const { value } = made as { value: unknown };
    if (typeof value === 'string' && value.length > MOST_CHARACTERS)
      throw new Endless(`a text of more than ${MOST_CHARACTERS} characters`);
    if (Array.isArray(value) && value.length > MOST_ELEMENTS)
      throw new Endless(`a list of more than ${MOST_ELEMENTS} elements`);
    return made;
  }
}

const CALL = new Script('work()');
let context: (Context & { work?: () => unknown }) | undefined;

/**
 * Does work that is ended from outside when its time is up: a single step, such as writing a list of lists out or a search for white space,
 * may take as long as the whole.
 * @throws Endless, and what the work throws
 */
function withinTime<T>(work: () => T): T {
  context ??= createContext({});
  context.work = work;
  try {
    return CALL.runInContext(context, { timeout: MOST_MS }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new Endless(`more than ${MOST_MS} ms`);
    // A text may grow beyond what there can be, and calls may fill the stack.
    throw error instanceof RangeError ? new Endless(error.message) : error;
  } finally {
    delete context.work;
  }
}

/** Reads a template, with white space around blocks taken away as Hugging Face transformers does. @throws Endless, or Error where it is no template */
export function compile(template: string): Render {
  const program = withinTime(() => parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true })));
  return (values) => {
    const scope = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...values })) scope.set(name, value);
    return withinTime(() => {
      const { value } = new Bounded(scope).run(program) as { value: unknown };
      return String(value);
    });
  };
}

const GLOBALS: Record<string, unknown> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Refusal(String(message));
  },
  strftime_now: (format: unknown) => strftime(new Date(), String(format)),
  range,
};

/** Python's `range`. */
function range(...args: unknown[]): number[] {
  const [first, second, step] = args.map((arg) => (typeof arg === 'number' ? arg : undefined));
  const [start, stop, by] = second === undefined ? [0, first ?? 0, 1] : [first ?? 0, second, step ?? 1];
  if (by === 0) throw new Error('range() with step 0');
  const length = Math.max(0, Math.ceil((stop - start) / by));
  if (length > MOST_ELEMENTS) throw new Endless(`a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * by);
}
