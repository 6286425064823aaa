// @ts-check
// Looks at the panel's page from inside: how long each frame took while something was done in it, what came by message, how long it took
// from a click to the picture. Sent into the page as text: it may use nothing from outside itself. Called by inside.ts.

/**
 * Times in milliseconds. `frame`: from one frame to the next; `work`: what the page's thread was busy with in it, from the first callback
 * through layout to the end of painting; `script`: our part of that, handlers and drawing.
 * @typedef {{ frame: number[], work: number[], script: number[] }} Frames
 * @typedef {{ answered: number, drawn: number, alone: number }} Waited from the click to the answer, and until it is painted; and that without what was answered before
 * @typedef {{ count: number, bytes: number, most: number }} Weighed
 */

/** Makes `globalThis.glassboxWatch` in the page; once. */
export function install() {
  const page = /** @type {any} */ (globalThis);
  if (page.glassboxWatch) return;
  const { document, performance } = page;
  /** @type {(work: (now: number) => void) => void} */
  const ask = page.requestAnimationFrame.bind(page);
  let script = 0;
  let pending = 0;
  page.requestAnimationFrame = (/** @type {(now: number) => void} */ work) => {
    pending++;
    return ask((now) => {
      pending--;
      const start = performance.now();
      try {
        work(now);
      } finally {
        script += performance.now() - start;
      }
    });
  };

  /** Calls back after the paint that this frame ends with. @param {() => void} then */
  const painted = (then) => {
    const channel = new page.MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(0);
  };

  /** @type {Record<string, Weighed>} */
  const weighed = {};
  /** @type {[string, unknown][]} what is not weighed yet: that takes time */
  let unweighed = [];
  /** @type {{ kind: string, then: (at: number, before: number) => void }[]} */
  let awaited = [];
  let before = 0;
  page.addEventListener('message', (/** @type {any} */ { data }) => {
    const kind = data?.answer?.answer ?? data?.type;
    const at = performance.now();
    for (const one of awaited.filter((each) => each.kind === kind)) one.then(at, before);
    awaited = awaited.filter((each) => each.kind !== kind);
    if (typeof kind === 'string') unweighed.push([kind, data]);
    if (data?.type === 'answer') before = at;
  });
  const weigh = () => {
    for (const [kind, data] of unweighed.splice(0)) {
      let bytes = 0;
      const rest = JSON.stringify(data, (_, value) => {
        if (!ArrayBuffer.isView(value)) return value;
        bytes += value.byteLength;
        return 0;
      });
      bytes += rest.length;
      const sum = (weighed[kind] ??= { count: 0, bytes: 0, most: 0 });
      sum.count++;
      sum.bytes += bytes;
      sum.most = Math.max(sum.most, bytes);
    }
    return weighed;
  };

  let ends = false;
  /** Records so many frames, in each of which `act` is called; or as many as there are until `stop`. @param {number} count @param {(frame: number) => void} act */
  const record = (count, act) =>
    new Promise((resolve) => {
      /** @type {Frames} */
      const found = { frame: [], work: [], script: [] };
      let last = NaN;
      let frame = 0;
      ends = false;
      /** @param {number} now */
      const step = (now) => {
        const start = performance.now();
        if (frame > 0) found.frame.push(now - last);
        last = now;
        if (frame++ >= count || ends) return resolve(found);
        ask(step);
        script = 0;
        act(frame);
        const acted = performance.now() - start;
        painted(() => {
          found.work.push(performance.now() - start);
          found.script.push(acted + script);
        });
      };
      ask(step);
    });

  const map = () => document.querySelector('.map [role="grid"]');
  const slider = () => document.querySelector('.map').closest('details').querySelector('input[type="range"]');
  /** @param {any} target @param {string} key */
  const press = (target, key) => target.dispatchEvent(new page.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); // prettier-ignore
  const selected = () => document.querySelector('.token[aria-selected="true"]');
  let slid = 100;
  let falls = true;
  const slide = () => {
    falls = slid <= 5 ? false : slid >= 100 ? true : falls;
    slid += falls ? -5 : 5;
    const input = slider();
    input.value = String(slid);
    input.dispatchEvent(new page.Event('input', { bubbles: true }));
  };
  /** @type {Record<string, (frame: number) => void>} */
  const actions = {
    nothing: () => {},
    'tokens, arrow key': () => press(selected(), 'ArrowLeft'),
    'heads, H': () => press(map(), 'h'),
    'mass, slider': slide,
    'zoom, + and −': (frame) => press(map(), Math.floor((frame - 1) / 6) % 2 === 0 ? '+' : '-'),
  };

  /** Resolves when all that was to be drawn is painted. @returns {Promise<void>} */
  const settled = () =>
    new Promise((resolve) => {
      const look = () => ask(() => (pending === 0 ? painted(resolve) : look()));
      look();
    });
  const sleep = (/** @type {number} */ ms) => new Promise((resolve) => page.setTimeout(resolve, ms));
  /** Resolves when nothing is asked for a while. */
  const quiet = async () => {
    for (let calm = 0; calm < 3; await sleep(100))
      calm = document.querySelector('main').ariaBusy === 'true' ? 0 : calm + 1;
  };

  /** @param {string} kind of answer @param {() => void} act @returns {Promise<Waited | undefined>} undefined: it was not asked, or took too long */
  const waited = async (kind, act) => {
    await quiet();
    const start = performance.now();
    const answer = new Promise((resolve) => awaited.push({ kind, then: (at, last) => resolve([at, last]) }));
    act();
    const times = await Promise.race([answer, sleep(kind === 'effects' || kind === 'overview' ? 60_000 : 5_000)]);
    if (!times) return undefined;
    const [at, last] = times;
    await settled();
    const drawn = performance.now() - start;
    return { answered: at - start, drawn, alone: drawn - Math.max(0, last - start) };
  };
  const token = (/** @type {number} */ back) => [...document.querySelectorAll('.token')].at(-1 - back);
  const fold = (/** @type {string} */ title) =>
    [...document.querySelectorAll('details.section')].find((each) => each.querySelector('h2').textContent === title);

  page.glassboxWatch = {
    /** @param {() => void} act @returns {Promise<number>} milliseconds until what it makes is painted */
    timed: async (act) => {
      const start = performance.now();
      act();
      await settled();
      return performance.now() - start;
    },
    weigh,
    quiet,
    size: () => document.querySelectorAll('.token').length,
    memory: () => performance.memory?.usedJSHeapSize ?? 0,
    grow: () => void (page.glassboxGrown = record(Infinity, () => {})),
    stop: () => ((ends = true), page.glassboxGrown),
    /** @param {string} name @param {number} count */
    frames: async (name, count) => {
      await quiet();
      const target = name.startsWith('tokens') ? selected() : map();
      target.focus();
      target.scrollIntoView({ block: 'center' });
      return record(count, actions[name] ?? (() => {}));
    },
    /** Opens or folds a section. @param {string} title @param {boolean} open */
    open: async (title, open) => {
      fold(title).open = open;
      await sleep(200);
      await quiet();
    },
    /** @param {number} times @param {number} heads of a layer */
    heads: async (times, heads) => {
      map().scrollIntoView({ block: 'center' });
      const found = [];
      for (let i = 0; i < times; i++) found.push(await waited('head', () => press(map(), i % heads === 0 ? 'l' : 'h')));
      return found;
    },
    rows: async (/** @type {number} */ times) => {
      const found = [];
      for (let i = 0; i < times; i++) found.push(await waited('row', () => token(2 + 5 * i).click()));
      return found;
    },
    /** Shows the other of two texts. @param {number} times */
    overviews: async (times) => {
      const found = [];
      const select = document.querySelector('header select');
      for (let i = 0; i < times; i++)
        found.push(
          await waited('overview', () => {
            select.value = select.options[1 + ((i + 1) % 2)].value;
            select.dispatchEvent(new page.Event('change', { bubbles: true }));
          }),
        );
      return found;
    },
    effects: async (/** @type {number} */ times) => {
      const found = [];
      const button = [...fold('Did it matter?').querySelectorAll('button')].find(
        (each) => each.textContent === 'Measure',
      );
      for (let i = 0; i < times; i++) {
        token(1 + i).click();
        await quiet();
        found.push(await waited('effects', () => button.click()));
      }
      return found;
    },
  };
}
