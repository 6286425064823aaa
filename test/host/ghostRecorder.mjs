// @ts-check
// Watches the ghost text of a page, so that a test can tell how it grew and whether it ever flashed. `install` and `read`
// are sent into the page as text: they may use nothing from outside themselves. Called by bridge.mjs.

/**
 * One state of the ghost text. `painted` frames are what the screen showed, looked at directly before each paint; the others existed
 * in the page between two paints only and were never seen.
 * @typedef {{ text: string, at: number, painted: boolean }} GhostFrame
 */

/** Starts recording; what was recorded before is dropped. */
export function install() {
  const page = /** @type {any} */ (globalThis);
  page.glassboxGhost?.stop();
  /** @type {GhostFrame[]} */
  const frames = [];
  let running = true;
  /** @type {Record<string, string | undefined>} */
  const last = {};

  const ghostText = () => {
    const all = [...page.document.querySelectorAll('[class*="ghost-text"]')];
    const outermost = all.filter((element) => !element.parentElement?.closest('[class*="ghost-text"]'));
    const placed = outermost
      .map((element) => ({ text: element.textContent ?? '', box: element.getBoundingClientRect() }))
      .filter(({ text, box }) => text !== '' && box.width > 0 && box.height > 0)
      .sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left);
    let result = '';
    let top = placed[0]?.box.top ?? 0;
    for (const { text, box } of placed) {
      if (box.top - top > box.height / 2) result += '\n';
      top = box.top;
      result += text;
    }
    return result.replace(/\u00a0/g, ' ').replace(/[\u200b\u200c\u200d]/g, '');
  };
  /** @param {boolean} painted */
  const look = (painted) => {
    const text = ghostText();
    const kind = String(painted);
    if (last[kind] === text) return;
    last[kind] = text;
    frames.push({ text, at: page.performance.now(), painted });
  };

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
    stop: () => {
      running = false;
      observer.disconnect();
      beforePaint.disconnect();
    },
  };
}

/** Ends the recording and returns it. @returns {GhostFrame[]} */
export function read() {
  const recorder = /** @type {any} */ (globalThis).glassboxGhost;
  recorder?.stop();
  return recorder?.frames ?? [];
}
