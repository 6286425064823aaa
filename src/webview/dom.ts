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
