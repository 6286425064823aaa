// Which key of the keyboard does what in the map and in the text. Pure; called for every key press there.
import type { Cell } from './layout';

/** What a key press asks for: another cell, another head or layer, a nearer or farther view (0: fit). */
export type KeyAction = { move: Cell } | { head: 1 | -1 } | { layer: 1 | -1 } | { zoom: 1 | -1 | 0 };

export interface Press {
  key: string;
  /** Control or Command is held. */
  control: boolean;
}

/** `page`: rows of a page. Undefined: the key is not for the map. */
export function keyAction(press: Press, { query, key }: Cell, n: number, page: number): KeyAction | undefined {
  const to = (newQuery: number, newKey: number): KeyAction => {
    const row = Math.min(n - 1, Math.max(0, newQuery));
    return { move: { query: row, key: Math.min(row, Math.max(0, newKey)) } };
  };
  if (press.control) {
    if (press.key === 'Home') return to(0, 0);
    if (press.key === 'End') return to(n - 1, n - 1);
    return undefined;
  }
  switch (press.key) {
    case 'ArrowLeft':
      return to(query, key - 1);
    case 'ArrowRight':
      return to(query, key + 1);
    case 'ArrowUp':
      return to(query - 1, key);
    case 'ArrowDown':
      return to(query + 1, key);
    case 'PageUp':
      return to(query - page, key);
    case 'PageDown':
      return to(query + page, key);
    case 'Home':
      return to(query, 0);
    case 'End':
      return to(query, query);
    case 'h':
      return { head: 1 };
    case 'H':
      return { head: -1 };
    case 'l':
      return { layer: 1 };
    case 'L':
      return { layer: -1 };
    case '+':
      return { zoom: 1 };
    case '-':
      return { zoom: -1 };
    case '0':
      return { zoom: 0 };
    default:
      return undefined;
  }
}

/** Which token a key press goes to; undefined: none. */
export function tokenKey(
  key: string,
  from: number,
  count: number,
  beside: (from: number, by: 1 | -1) => number,
): number | undefined {
  switch (key) {
    case 'ArrowLeft':
      return Math.max(0, from - 1);
    case 'ArrowRight':
      return Math.min(count - 1, from + 1);
    case 'ArrowUp':
      return beside(from, -1);
    case 'ArrowDown':
      return beside(from, 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'Enter':
      return from;
    default:
      return undefined;
  }
}
