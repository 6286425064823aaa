// @ts-check
// Watches the keys, the cursor's line and the ghost text of a page, so that a test can tell what a person saw after each key,
// how ghost text grew and whether it ever flashed. `install` and `read` are sent into the page as text: they may use nothing
// from outside themselves. Called by bridge.mjs.

/**
 * One state of the page. `painted` frames are what the screen showed, looked at directly before each paint; the others existed
 * in the page between two paints only and were never seen: of these the ghost text alone is recorded. Times are in milliseconds
 * on the page's clock.
 * @typedef {object} GhostFrame
 * @property {string} text the ghost text on show, lines joined by a line feed
 * @property {string} [line] the document's own text on the cursor's line, as it is drawn
 * @property {number} [lineNumber] number of that line, from 1
 * @property {number} at
 * @property {boolean} painted
 * @typedef {{ frames: GhostFrame[], keys: number[] }} Recording `keys`: when the browser got each key that types
 */

/** Starts recording; what was recorded before is dropped. */
export function install() {
  const page = /** @type {any} */ (globalThis);
  page.glassboxGhost?.stop();
  /** @type {GhostFrame[]} */
  const frames = [];
  /** @type {number[]} */
  const keys = [];
  let running = true;
  /** @type {Record<string, string | undefined>} */
  const last = {};
  /** @param {string} text as the editor draws it */
  const plain = (text) => text.replace(/\u00a0/g, ' ').replace(/[\u200b\u200c\u200d]/g, '');

  /** The cursor's line: its number, and the box in which it is drawn. */
  const cursorLine = () => {
    const number = page.document.querySelector('.monaco-editor.focused .line-numbers.active-line-number');
    const top = number?.getBoundingClientRect().top;
    const lines = [...page.document.querySelectorAll('.monaco-editor.focused .view-lines .view-line')];
    const drawn = lines.find((line) => Math.abs(line.getBoundingClientRect().top - top) < 3);
    return drawn && { lineNumber: Number(number.textContent), drawn, box: drawn.getBoundingClientRect() };
  };
  /** @param {ReturnType<typeof cursorLine>} at */
  const ghostText = (at) => {
    const all = [...page.document.querySelectorAll('[class*="ghost-text"]')];
    const outermost = all.filter((element) => !element.parentElement?.closest('[class*="ghost-text"]'));
    const placed = outermost
      .map((element) => ({ text: element.textContent ?? '', box: element.getBoundingClientRect() }))
      .filter(({ text, box }) => text !== '' && box.width > 0 && box.height > 0)
      .sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left);
    // Lines without text are known by the room they take, also the first, where the suggestion begins with a line feed.
    let result = '';
    let top = at?.box.top ?? placed[0]?.box.top ?? 0;
    for (const { text, box } of placed) {
      const lines = Math.max(0, Math.round((box.top - top) / (at?.box.height ?? box.height)));
      result += '\n'.repeat(lines) + text;
      if (lines > 0) top = box.top;
    }
    return plain(result);
  };
  /** What is drawn on the cursor's line, ghost text left out. @param {ReturnType<typeof cursorLine>} at */
  const ownText = (at) => {
    if (!at) return {};
    let line = '';
    const walker = page.document.createTreeWalker(at.drawn, 4); // text nodes
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (!node.parentElement.closest('[class*="ghost-text"]')) line += node.data;
    return { line: plain(line), lineNumber: at.lineNumber };
  };
  /** @param {boolean} painted */
  const look = (painted) => {
    // Between paints, asking for a box makes the page lay itself out: only where there is something to see.
    const at = painted || page.document.querySelector('[class*="ghost-text"]') ? cursorLine() : undefined;
    const state = { text: ghostText(at), ...(painted ? ownText(at) : {}) };
    const kind = String(painted);
    const same = JSON.stringify(state);
    if (last[kind] === same) return;
    last[kind] = same;
    frames.push({ ...state, at: page.performance.now(), painted });
  };
  /** @param {any} event */
  const keyDown = (event) => {
    if (event.key.length === 1 || event.key === 'Enter') keys.push(event.timeStamp); // not when this page got round to it
  };
  page.addEventListener('keydown', keyDown, true);

  // An element that a ResizeObserver begins to observe is reported in the same frame, after every callback of the frame
  // and after layout, directly before the paint. A task run after the paint (a message, a timer) would come too late:
  // on a busy machine the page has often changed again by then.
  const beforePaint = new page.ResizeObserver(() => look(true));
  const everyFrame = () => {
    if (!running) return;
    beforePaint.unobserve(page.document.body);
    beforePaint.observe(page.document.body);
    page.requestAnimationFrame(everyFrame);
  };
  const observer = new page.MutationObserver(() => look(false));
  observer.observe(page.document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  look(true);
  everyFrame();
  page.glassboxGhost = {
    frames,
    keys,
    stop: () => {
      running = false;
      page.removeEventListener('keydown', keyDown, true);
      observer.disconnect();
      beforePaint.disconnect();
    },
  };
}

/** Ends the recording and returns it. @returns {Recording} */
export function read() {
  const recorder = /** @type {any} */ (globalThis).glassboxGhost;
  recorder?.stop();
  return { frames: recorder?.frames ?? [], keys: recorder?.keys ?? [] };
}
