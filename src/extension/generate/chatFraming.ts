// How a prompt is put to a model that was taught to chat: a conversation of what it is to do, the file around the place, and the wish. Pure.

import type { ChatTurn } from '../../chatProtocol';
import { windowAround } from '../../completion/window';

/** What is to be written where. */
export interface Wish {
  prompt: string;
  /** The document's language id. */
  language: string;
  /** As the model sees it. */
  path: string | undefined;
  /** The document around the place, and what the new text takes the place of; lines end in \n. */
  before: string;
  after: string;
  replaced: string;
  /** Another file that is shown beside the document. */
  other?: { path: string; text: string };
  /** Written into the document before the model's first text. */
  lead: string;
  /** What stands on the line before that text. */
  linePrefix: string;
}

/** Longest conversation, in tokens, however much the model could hold: a longer one takes longer than it helps. */
const MOST_TOKENS = 2048;
/** With fewer characters of the file than this nothing is gained by still fewer. */
const FEWEST_CHARACTERS = 200;
/** More than code has in a token. */
const CHARACTERS_PER_TOKEN = 4;
/** Shares of the text around the place: what comes after it, and another file. */
const AFTER_SHARE = 0.25;
const OTHER_SHARE = 0.25;
/** Of what a conversation may have, what the next try aims at: tokens are not spread evenly. */
const AIM = 0.9;

/** Whether a document is text in words, which may hold code. */
export function isProse(language: string): boolean {
  return ['markdown', 'plaintext', 'restructuredtext', 'latex'].includes(language);
}

/**
 * The conversation that asks for a wish, with as much of the file as there is room for.
 * @param contextLength tokens that the model holds; @param maxTokens most tokens of the answer
 * @param count says how many tokens a conversation has
 */
export async function conversation(
  wish: Wish,
  { contextLength, maxTokens }: { contextLength: number; maxTokens: number },
  count: (messages: ChatTurn[]) => Promise<number>,
): Promise<ChatTurn[]> {
  const room = Math.min(MOST_TOKENS, contextLength - Math.min(maxTokens, Math.floor(contextLength / 2)));
  for (let characters = room * CHARACTERS_PER_TOKEN; ;) {
    const messages = framed(wish, characters);
    const tokens = await count(messages);
    if (tokens <= room || characters < FEWEST_CHARACTERS) return messages;
    characters = Math.floor(characters * AIM * Math.min(1, room / tokens));
  }
}

/** The conversation with at most so many characters of files. */
export function framed(wish: Wish, characters: number): ChatTurn[] {
  const { prompt, language, path, replaced, other } = wish;
  const prose = isProse(language);
  const shownOther = other?.text.slice(-Math.floor(characters * OTHER_SHARE)) ?? '';
  const room = characters - shownOther.length;
  const after = Math.floor(room * AFTER_SHARE);
  const near = windowAround(wish.before, wish.after, room - after, after);
  const block = (said: string, text: string): string[] => {
    if (text.trim() === '') return [];
    // A fence longer than any in the text.
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([marks]) => marks.length));
    const fence = '`'.repeat(longest + 1);
    return [`${said}\n${fence}${language}\n${text}\n${fence}`];
  };
  const name = path === undefined ? 'the file' : `the file ${path}`;
  const user = [
    ...block(`From ${other?.path ?? 'another file'}:`, shownOther),
    ...block(`This stands in ${name} before your ${prose ? 'text' : 'code'}:`, near.prefix + wish.lead),
    ...block(`This stands after it:`, near.suffix),
    ...block(`Your ${prose ? 'text' : 'code'} takes the place of this:`, replaced),
    `What to write there: ${prompt}`,
  ].join('\n\n');
  const system = prose
    ? `You write for a ${language} document. Answer with the text alone that belongs at the given place, without any remark about it.`
    : `You write ${language} code. Answer with one code block that holds only the new code for the given place, without any remark, and without repeating what stands before or after it.`;
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}
