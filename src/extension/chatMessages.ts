// The editor's form of conversations → ours. Knows no `vscode`: its parts are told by their shape, which other versions' classes share.

import type { ChatRequest, ChatTurn } from '../chatProtocol';
import type { ChatRequestMessage, ChatResponseOptions } from './languageModels';

/** The editor's numbers for roles; that of the system is not in its public interface, but is sent. */
const ROLES: Record<number, ChatTurn['role']> = { 1: 'user', 2: 'assistant', 3: 'system' };

/** The texts of a message, one after the other, those of tools' results among them; other parts have no text that the model could read. */
export function textOf({ content }: Pick<ChatRequestMessage, 'content'>): string {
  return content
    .map((part) => {
      const { value, content: inner } = (part ?? {}) as { value?: unknown; content?: unknown };
      return typeof value === 'string' ? value : Array.isArray(inner) ? textOf({ content: inner }) : '';
    })
    .join('');
}

/** The messages that have text. */
export function turnsOf(messages: readonly ChatRequestMessage[]): ChatTurn[] {
  return messages
    .map((message): ChatTurn => ({ role: ROLES[message.role] ?? 'user', content: textOf(message) }))
    .filter(({ content }) => content.trim() !== '');
}

/**
 * How an answer is drawn: as it is set, but for the model options that whoever asks may give: `temperature`, `top_p`, `max_tokens`. What is
 * not within bounds is not used.
 */
export function drawn(
  base: Omit<ChatRequest, 'messages'>,
  { modelOptions = {} }: ChatResponseOptions,
): Omit<ChatRequest, 'messages'> {
  const within = (name: string, least: number, most: number, otherwise: number): number => {
    const value = modelOptions[name];
    return typeof value === 'number' && value >= least && value <= most ? value : otherwise;
  };
  const { maxTokens, sampling } = base;
  return {
    maxTokens: Math.floor(within('max_tokens', 1, maxTokens, maxTokens)),
    sampling: {
      ...sampling,
      temperature: within('temperature', 0, 2, sampling.temperature),
      topP: within('top_p', 0.001, 1, sampling.topP),
    },
  };
}
