// Whether a model was taught to chat. A chat template alone does not say so: base models (those of Qwen2.5 and Qwen3 among them) come with
// the template of their instruction-tuned sisters, but end a text as they were trained, and not as the template ends a turn. Pure.

/** What authors call models that were taught to follow instructions: Instruct, Chat, it, …, as a part of the name. */
const NAMED = /instruct|chat|assistant|(?:^|[-_.])(?:it|sft|dpo|rlhf)(?:$|[-_.])/i;

/**
 * @param name of the model, without its owner
 * @param endOfTurn the token that the template writes after an answer; undefined where it writes words
 * @param eosIds the ids that end a text, by config.json or generation_config.json; empty where neither says so
 */
export function taughtToChat(name: string, endOfTurn: number | undefined, eosIds: ReadonlySet<number>): boolean {
  return NAMED.test(name) || endOfTurn === undefined || eosIds.size === 0 || eosIds.has(endOfTurn);
}
