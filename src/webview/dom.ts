// Makes elements of the page. Strings become text nodes, never markup, and styles are never written into HTML, so the
// strictest content security policy holds. Called by every part of the panel that has elements.

/** An element with these properties and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Sets the text of an element, but only when it is another, so that screen readers stay quiet. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A cell of a table. */
export function cell(text: string, className = ''): HTMLTableCellElement {
  return element('td', { className }, text);
}

/** Words that are there for those who want to know more: folded away under a title. */
export function explained(title: string, ...paragraphs: (HTMLElement | string)[]): HTMLDetailsElement {
  const texts = paragraphs.map((each) => (typeof each === 'string' ? element('p', {}, each) : each));
  return element('details', { className: 'help' }, element('summary', {}, title), ...texts);
}

/** Fills the body of a table anew. A button in it that has the focus hands it on: to that of the same name, or else to that of the row in its place. */
export function refill(body: HTMLElement, rows: readonly HTMLElement[]): void {
  const from = document.activeElement;
  const at = [...body.children].findIndex((row) => row.contains(from));
  const name = from?.textContent;
  body.replaceChildren(...rows);
  if (at < 0) return;
  const buttons = [...body.querySelectorAll('button')];
  const heir = buttons.find(({ textContent }) => textContent === name) ?? buttons[Math.min(at, buttons.length - 1)];
  heir?.focus({ preventScroll: true });
}

/** The names of a table's columns, in the reader's language, and an empty one for a bar. */
export function header(...names: [name: string, className?: string][]): HTMLTableSectionElement {
  const cells = names.map(([name, className = '']) => element('th', { scope: 'col', className }, name));
  return element('thead', {}, element('tr', {}, ...cells, element('td', { ariaHidden: 'true' })));
}

/** A cell with a bar for a share in [0, 1]; `others` are drawn below it, in another colour. The number stands in a cell beside it. */
export function bar(share: number, ...others: number[]): HTMLTableCellElement {
  const one = (width: number, className: string): HTMLElement => {
    const made = element('div', { className });
    made.style.width = `${100 * Math.min(1, Math.max(0, width))}%`;
    return made;
  };
  return element('td', { className: 'bar-cell', ariaHidden: 'true' }, one(share, 'bar'), ...others.map((each) => one(each, 'bar other'))); // prettier-ignore
}

/** A choice from a list; values and what people read. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [value: T, name: string])[],
  change: (value: T) => void,
): { root: HTMLLabelElement; input: HTMLSelectElement } {
  const input = element('select');
  input.append(...options.map(([value, name]) => element('option', { value }, name)));
  input.addEventListener('change', () => change(input.value as T));
  return { root: element('label', {}, label, input), input };
}

/** A switch. */
export function toggle(
  label: string,
  change: (on: boolean) => void,
  title = '',
): { root: HTMLLabelElement; input: HTMLInputElement } {
  const input = element('input', { type: 'checkbox', title });
  input.addEventListener('change', () => change(input.checked));
  return { root: element('label', {}, input, label), input };
}

/** A slider with its value in words beside it. */
export function slider(
  label: string,
  range: { min: number; max: number; step: number },
  words: (value: number) => string,
  change: (value: number) => void,
): { root: HTMLLabelElement; set(value: number): void } {
  const { min, max, step } = range;
  const input = element('input', { type: 'range', min: String(min), max: String(max), step: String(step) });
  // The slider itself says its value.
  const output = element('output', { className: 'value', ariaHidden: 'true' });
  const set = (value: number): void => {
    if (input.value !== String(value)) input.value = String(value);
    const text = words(value);
    if (output.value !== text || input.ariaValueText !== text) input.ariaValueText = output.value = text;
  };
  input.addEventListener('input', () => change(Number(input.value)));
  return { root: element('label', {}, label, input, output), set };
}
