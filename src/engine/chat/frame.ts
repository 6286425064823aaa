// A conversation → the ids that a model is given, by its chat template. Knows no model, and nothing of what is answered.

import type { ChatTurn } from '../../chatProtocol';
import { t } from '../../l10n';
import { EngineError } from '../errors';
import type { Tokenizer } from '../tokenizer';
import { Hiding, reveal } from './hiding';
import { compile, Endless, Refusal, type Render } from './jinja';
import { damaged, type TemplateFile } from './templateFile';

/** What is left out of a long conversation goes in steps of this share of the room, so that its front stays put for some turns. */
const STEP = 0.25;
/** Time for finding out what of a long conversation to leave out, in milliseconds: each step renders it anew. */
const MOST_FITTING_MS = 4000;
/** Texts that no template has, for a conversation that shows its frame. */
const [ASKED, ANSWERED, NEXT] = ['qXasked', 'qXanswered', 'qXnext'];

/** The special tokens that a template may name, and the keys of tokenizer_config.json that name them. */
const NAMED = ['bos_token', 'eos_token', 'unk_token', 'pad_token'];

/** Frames conversations as a model was taught. */
export class ChatFrame {
  readonly #tokenizer: Tokenizer;
  readonly #path: string;
  readonly #render: Render;
  readonly #hiding: Hiding;
  readonly #values: Record<string, unknown>;
  /** The ids that end an answer. */
  readonly ends: ReadonlySet<number>;
  /** The token that the template writes directly after an answer; undefined where it writes words, or refuses a plain conversation. */
  readonly endOfTurn: number | undefined;

  /**
   * @param tokenizerConfig the content of tokenizer_config.json
   * @throws EngineError `template_damaged`
   */
  constructor(tokenizer: Tokenizer, { text, path }: TemplateFile, tokenizerConfig: Record<string, unknown>) {
    this.#tokenizer = tokenizer;
    this.#path = path;
    this.#hiding = new Hiding(tokenizer.specialNames);
    const names = NAMED.map((key) => [key, nameOf(tokenizerConfig[key])] as const);
    this.#values = {
      ...Object.fromEntries(names.filter(([, name]) => name !== undefined)),
      add_generation_prompt: true,
      // There is no place to show thoughts apart from an answer; models that can leave them out are asked to.
      enable_thinking: false,
    };
    try {
      this.#render = compile(text);
    } catch (error) {
      throw damaged(path, error instanceof Endless ? endless(error) : (error as Error).message);
    }
    const eos = nameOf(tokenizerConfig['eos_token']);
    const end = eos === undefined ? undefined : tokenizer.addedId(eos);
    const { between, endOfTurn } = this.#frameTokens();
    this.endOfTurn = endOfTurn;
    const all = [...tokenizer.eosIds, end, ...between, endOfTurn];
    this.ends = new Set(all.filter((id) => id !== undefined));
  }

  /**
   * The ids of a conversation, up to where the assistant's next answer begins. Where the template refuses a system message, or leaves it out,
   * the message stands before the first user's; where it refuses two messages of one role in a row, they are one.
   * @throws EngineError `bad_request`, `template_damaged`, `template_refuses`
   */
  encode(turns: readonly ChatTurn[]): number[] {
    return this.#tokenizer.encodeFramed(this.#frame(turns), reveal);
  }

  /**
   * As `encode`, in at most `room` ids: of a longer conversation the oldest turns are left out, a user's message with what follows it, but
   * neither a system message nor the last turn. More is left out than would be needed, in steps of a quarter of the room, so that the
   * beginning is the same for several turns and the cache holds it.
   * @throws EngineError `prompt_too_long` where the last turn alone is too long; else as `encode`
   */
  fit(turns: readonly ChatTurn[], room: number): number[] {
    const all = this.encode(turns);
    if (all.length <= room) return all;
    const isSystem = ({ role }: ChatTurn): boolean => role === 'system';
    const starts = turns.flatMap(({ role }, i) =>
      role === 'user' && turns.slice(0, i).some((turn) => !isSystem(turn)) ? [i] : [],
    );
    const step = Math.max(1, Math.floor(room * STEP));
    const wanted = Math.ceil((all.length - room) / step) * step;
    const around = this.#around;
    const size = ({ content }: ChatTurn): number => this.#tokenizer.encodeText(content).length + around;
    const sizes = turns.map((turn) => (isSystem(turn) ? 0 : size(turn)));
    const before = (start: number): number => sizes.slice(0, start).reduce((sum, size) => sum + size, 0);
    let ids = all;
    const end = performance.now() + MOST_FITTING_MS;
    for (const start of starts) {
      if (before(start) < wanted && start !== starts.at(-1)) continue;
      if (performance.now() > end) throw damaged(this.#path, endless(new Endless(`more than ${MOST_FITTING_MS} ms`)));
      ids = this.encode(turns.filter((turn, i) => i >= start || isSystem(turn)));
      if (ids.length <= room) return ids;
    }
    throw new EngineError(
      'prompt_too_long',
      t(
        'The last message, with the system message, has {0} tokens, and there is room for {1} beside the answer. Shorten it, or ask for fewer tokens.',
        ids.length,
        room,
      ),
    );
  }

  /** Ids that the frame puts around a message, on average. */
  get #around(): number {
    const pair: ChatTurn[] = [
      { role: 'user', content: ASKED },
      { role: 'assistant', content: ANSWERED },
    ];
    const texts = pair.reduce((sum, { content }) => sum + this.#tokenizer.encodeText(content).length, 0);
    return (this.encode([...pair, ...pair, ...pair]).length - this.encode([...pair, ...pair]).length - texts) / 2;
  }

  /** The framed conversation, with what people wrote in it hidden from the search for tokens. */
  #frame(turns: readonly ChatTurn[]): string {
    if (turns.length === 0) throw new EngineError('bad_request', t('There is no message to answer.'));
    const written = turns.map(({ role, content }) => ({ role, content: this.#hiding.hide(content) }));
    let refused: unknown;
    for (const form of [written, merged(written), joined(written), joined(merged(written))]) {
      try {
        const text = this.#render({ ...this.#values, messages: form });
        const system = form.find(({ role, content }) => role === 'system' && content.trim() !== '');
        if (system === undefined || text.includes(system.content.trim())) return text;
      } catch (error) {
        if (error instanceof Endless) throw damaged(this.#path, endless(error));
        // What it says of the conversation as it was given is what people can do something about.
        refused ??= error;
      }
    }
    if (refused !== undefined && !(refused instanceof Refusal))
      throw damaged(this.#path, reveal((refused as Error).message));
    const why =
      refused === undefined
        ? t('it leaves out the system message, and there is no message of a user to put it in')
        : reveal(refused.message);
    throw new EngineError(
      'template_refuses',
      t('The chat template in {0} refuses this conversation: {1}', this.#path, why),
    );
  }

  /** The special tokens that the template writes between messages, and any token of the vocabulary that stands directly after an answer. */
  #frameTokens(): { between: number[]; endOfTurn: number | undefined } {
    let text: string;
    try {
      text = this.#render({
        ...this.#values,
        messages: [
          { role: 'user', content: ASKED },
          { role: 'assistant', content: ANSWERED },
          { role: 'user', content: NEXT },
        ],
      });
    } catch {
      return { between: [], endOfTurn: undefined }; // whoever asks for an answer will hear of it
    }
    const [from, answered, to] = [ASKED, ANSWERED, NEXT].map((marker) => text.indexOf(marker)) as [
      number,
      number,
      number,
    ];
    if (from < 0 || to < answered || answered < from) return { between: [], endOfTurn: undefined };
    const { specialIds } = this.#tokenizer;
    const between = this.#tokenizer.encodeFramed(text.slice(from, to), reveal).filter((id) => specialIds.has(id));
    const after = this.#tokenizer.encodeFramed(text.slice(answered + ANSWERED.length, to).trimStart(), reveal)[0];
    return { between, endOfTurn: after !== undefined && this.#tokenizer.isAdded(after) ? after : undefined };
  }
}

const endless = ({ message }: Endless): string => t('it does not come to an end ({0})', message);

/** The system messages before the first user's message, in it. */
function merged(turns: readonly ChatTurn[]): ChatTurn[] {
  const systems = turns.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = turns.filter(({ role }) => role !== 'system');
  const first = others.findIndex(({ role }) => role === 'user');
  if (systems.length === 0 || first < 0) return [...turns];
  return others.map((turn, i) =>
    i === first ? { role: 'user', content: [...systems, turn.content].join('\n\n') } : turn,
  );
}

/** Messages of one role in a row as one message. */
function joined(turns: readonly ChatTurn[]): ChatTurn[] {
  const all: ChatTurn[] = [];
  for (const turn of turns) {
    const last = all.at(-1);
    if (last?.role === turn.role) last.content += `\n\n${turn.content}`;
    else all.push({ ...turn });
  }
  return all;
}

/** A token's name, as tokenizer_config.json writes it. */
function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}
