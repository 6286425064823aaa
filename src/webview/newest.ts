// Which tokens are on show: the chosen ones, or the newest while the text is written. Pure.
import { shownHead } from './scene';
import type { Look } from './wanted';
import { firstKey } from './words';

/** Follows the newest token, but a step behind as long as its weights are on their way: nothing that is shown goes away for a moment. */
export class Newest {
  #sequence = -1;
  #query = -1;

  /** The query to show. @param busy answers are still to come */
  settled({ choices, inspected, query }: Look, busy: boolean): number {
    const rows = inspected.heads.get(choices.layer, choices.head)?.n ?? 0;
    // The last token may never have looked at anything: nothing was written after it.
    if (choices.query < 0 && !busy && rows > 0 && rows <= query) return (this.#query = rows - 1);
    const needsRow = choices.open.includes('row') || (choices.open.includes('text') && choices.shade === 'mean');
    const here = (!needsRow || inspected.rows.get(query) !== undefined) && rows > query;
    const keeps = choices.query < 0 && busy && !here && this.#sequence === inspected.sequence && this.#query < query;
    if (!keeps) this.#query = query;
    this.#sequence = inspected.sequence;
    return this.#query;
  }
}

/** The chosen key of a query; else that which the chosen head looks at most, the first token apart. */
export function keyOf(look: Look, query: number): number {
  const { key } = look.choices;
  if (key >= 0 && key <= query) return key;
  const shown = shownHead(look);
  return shown && query < shown.n ? firstKey(shown, query) : Math.max(0, query - 1);
}
