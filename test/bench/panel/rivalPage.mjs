// @ts-check
// The rival way to show a head: one SVG element for each weight, in a page of its own; as a heat map of rectangles, or as lines between two
// columns of tokens. Sent into the page as text: it may use nothing from outside itself. Called by rival.ts.

/** Makes `globalThis.rival` in an empty page. */
export function install() {
  const page = /** @type {any} */ (globalThis);
  const { document } = page;
  const make = (/** @type {string} */ name, /** @type {Record<string, unknown>} */ attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    return made;
  };
  /** Rows of a causal head: n(n + 1)/2 weights, each row sums to 1. @param {number} n */
  const weights = (n) =>
    Array.from({ length: n }, (_, query) => {
      const row = Array.from({ length: query + 1 }, (_, key) =>
        Math.exp(4 * Math.abs(Math.sin(query * 31 + key * 17))),
      );
      const sum = row.reduce((a, b) => a + b, 0);
      return row.map((weight) => weight / sum);
    });

  /** A square of `edge` pixels; the weight under the pointer is framed, and read out. @param {number[][]} rows @param {number} edge */
  const rectangles = (rows, edge) => {
    const size = edge / rows.length;
    const svg = make('svg', { width: edge, height: edge });
    const readout = document.createElement('p');
    rows.forEach((row, query) =>
      row.forEach((weight, key) => {
        const at = { x: key * size, y: query * size, width: size, height: size, fill: '#3794ff' };
        const cell = make('rect', { ...at, 'fill-opacity': Math.sqrt(weight).toFixed(3) });
        cell.__data__ = { query, key, weight };
        svg.append(cell);
      }),
    );
    /** @type {any} */
    let framed;
    svg.addEventListener('mouseover', (/** @type {any} */ { target }) => {
      if (!target.__data__) return;
      framed?.removeAttribute('stroke');
      (framed = target).setAttribute('stroke', '#ffffff');
      const { query, key, weight } = target.__data__;
      readout.textContent = `query ${query}, key ${key}: ${(100 * weight).toFixed(2)} %`;
    });
    document.body.replaceChildren(readout, svg);
  };

  /** Queries on the left, keys on the right; of the query under the pointer alone lines stay. @param {number[][]} rows @param {number} edge */
  const lines = (rows, edge) => {
    const size = edge / rows.length;
    const svg = make('svg', { width: edge, height: edge });
    const groups = rows.map((row, query) => {
      const group = make('g', {});
      row.forEach(
        (weight, key) =>
        group.append(make('line', { x1: 40, x2: edge - 40, y1: (query + 0.5) * size, y2: (key + 0.5) * size, stroke: '#3794ff', 'stroke-opacity': weight.toFixed(4) })), // prettier-ignore
      );
      return group;
    });
    const areas = rows.map((_, query) => {
      const area = make('rect', { x: 0, y: query * size, width: 40, height: size, fill: '#555555' });
      area.addEventListener('mouseenter', () => groups.forEach((group, other) => group.setAttribute('visibility', other === query ? 'visible' : 'hidden'))); // prettier-ignore
      area.addEventListener('mouseleave', () => groups.forEach((group) => group.setAttribute('visibility', 'visible')));
      return area;
    });
    svg.append(...groups, ...areas);
    document.body.replaceChildren(svg);
  };

  /** @type {Record<string, (rows: number[][], edge: number) => void>} */
  const ways = { rectangles, lines };
  page.rival = {
    /** Shows a head of n tokens. @param {string} way @param {number} n @param {number} edge @returns milliseconds until it is painted */
    show: async (/** @type {string} */ way, /** @type {number} */ n, /** @type {number} */ edge) => {
      const rows = weights(n);
      return page.glassboxWatch.timed(() => ways[way]?.(rows, edge));
    },
  };
}
