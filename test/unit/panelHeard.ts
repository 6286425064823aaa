// What a screen reader has of a page: name, role and state of what has the focus, as the browser computes them, and what is said unasked.
// Called by the tests of the panel's keyboard.
import type { CDPSession, Page } from 'playwright-core';

interface AxNode {
  ignored?: boolean;
  role?: { value?: unknown };
  name?: { value?: unknown };
  description?: { value?: unknown };
  value?: { value?: unknown };
  properties?: { name: string; value: { value?: unknown } }[];
}

/** What the focus is on, as Chromium tells assistive technology. */
export interface Heard {
  role: string;
  name: string;
  /** One line: role, name, value, state, description. */
  line: string;
  /** The same of the active cell of a grid; else empty. */
  cell: string;
}

/** States that are said where they are set; `checked`, `expanded` and `selected` are said as words of their own. */
const SAID = ['checked', 'expanded', 'selected', 'disabled', 'invalid', 'required', 'busy'];

export class Listener {
  readonly #page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }

  /** Begins to listen to the live regions that are on the page. */
  static async on(page: Page): Promise<Listener> {
    await page.evaluate(`globalThis.heard = [];
      for (const region of document.querySelectorAll('[role=status], [aria-live]'))
        new MutationObserver(() => { if (!region.hidden && region.textContent !== '') heard.push(region.textContent); })
          .observe(region, { childList: true, characterData: true, subtree: true })`);
    return new Listener(page, await page.context().newCDPSession(page));
  }

  /** What was said since the last call. */
  said(): Promise<string[]> {
    return this.#page.evaluate<string[]>('heard.splice(0)');
  }

  /** The focused element, and of a grid its active cell. */
  async focus(): Promise<Heard> {
    const own = await this.#describe('document.activeElement');
    const cell = await this.#describe("document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"); // prettier-ignore
    return { ...own, cell: cell.line };
  }

  async #describe(expression: string): Promise<Heard> {
    const { result } = await this.#session.send('Runtime.evaluate', { expression });
    if (result.objectId === undefined) return { role: '', name: '', line: '', cell: '' };
    const { nodes } = await this.#session.send('Accessibility.getPartialAXTree', { objectId: result.objectId, fetchRelatives: false }); // prettier-ignore
    const node = (nodes as AxNode[])[0] ?? {};
    const text = (value: { value?: unknown } | undefined): string => plain(wordOf(value?.value));
    const parts = [`${text(node.role).replace('DisclosureTriangle', 'section')} “${text(node.name)}”`];
    // A slider's value in words goes to assistive technology as it stands, and not into this tree.
    const words = await this.#page.evaluate<string | null>(`${expression}.getAttribute('aria-valuetext')`);
    if (words !== null || text(node.value) !== '') parts.push(`= ${plain(words ?? text(node.value))}`);
    for (const { name, value } of node.properties ?? [])
      if (SAID.includes(name) && (value.value === true || value.value === 'true' || name === 'expanded' || name === 'checked')) parts.push(state(name, text(value))); // prettier-ignore
    if (text(node.description) !== '') parts.push(`(${text(node.description)})`);
    return { role: text(node.role), name: text(node.name), line: parts.join(' '), cell: '' };
  }
}

/** Values of the tree are texts, numbers and switches. */
const wordOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** Spaces that do not break look like others. */
const plain = (text: string): string => text.replace(/\s+/g, ' ').trim();

function state(name: string, value: string): string {
  if (name === 'expanded') return value === 'true' ? '[open]' : '[folded]';
  if (name === 'checked') return value === 'true' ? '[on]' : '[off]';
  return `[${name}]`;
}
