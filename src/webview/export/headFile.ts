// The files of the head on show: what is on the page, in a format that others read.
import { t } from '../../l10n';
import type { Choices, Format } from '../choices';
import { paintHeat } from '../heatmap';
import { percent, type Scale } from '../scale';
import { shownHead, type Scene } from '../scene';
import { realWeightOf, weightOf, type Shown } from '../shown';
import { describeCell, describeHidden, describeMap, describeMass } from '../words';
import { csvOfKeys } from './csv';
import { jsonOfHead } from './json';
import { svgOfMap } from './svg';

/** The bytes of a file, in UTF-8; undefined while the head is not here. */
export function headFile(format: Exclude<Format, 'png'>, scene: Scene): Uint8Array<ArrayBuffer> | undefined {
  const shown = shownHead(scene);
  if (shown === undefined || scene.query >= shown.n) return undefined;
  return new TextEncoder().encode(textOf(format, scene, shown));
}

function textOf(format: Exclude<Format, 'png'>, scene: Scene, shown: Shown): string {
  switch (format) {
    case 'svg':
      return svgOf(scene, shown);
    case 'csv':
      return csvOf(scene, shown);
    case 'json':
      return jsonOf(scene, shown);
  }
}

/** What a picture of the head on show is, in words: its title first. @param cells edge of what a pixel stands for, in cells */
export function aboutHead({ choices, inspected, query, key }: Scene, shown: Shown, cells: number): string[] {
  const { layer, head } = choices;
  const { facts, labels } = inspected;
  return [
    titleOf(choices),
    describeMap(facts, shown.n, cells),
    ...(facts.path === undefined ? [] : [t('Document: {0}', facts.path)]),
    formulaOf(choices),
    fullColorOf(choices),
    describeCell({ shown, labels, layer, head }, query, key),
    describeHidden(shown, labels, query),
    describeMass(shown, query),
  ].filter((line) => line !== '');
}

const titleOf = ({ layer, head }: Choices): string => t('Attention of layer {0}, head {1}', layer, head);

function svgOf(scene: Scene, shown: Shown): string {
  const { choices, inspected, theme, query, key } = scene;
  const { facts, tokens } = inspected;
  const { n } = shown;
  return svgOfMap({
    title: titleOf(choices),
    about: aboutHead(scene, shown, 1).slice(1),
    tokens: tokens.slice(0, n).map(({ text }) => text),
    promptTokens: facts.promptTokens,
    pixels: paintHeat(shown, n, theme.ramp),
    ramp: theme.ramp,
    selected: { query, key },
    colors: theme,
    font: theme.font.replace(/^\S+ /, ''),
    axes: { queries: t('query ↓'), keys: t('key →') },
    leftOut: (faintest, colors) =>
      t('To keep the file small, cells in the {0} faintest of {1} colours are left out.', faintest, colors),
  });
}

/** What the weights are, as a formula. */
function formulaOf({ valueWeighted, hideFirst }: Choices): string {
  if (valueWeighted && hideFirst)
    return t(
      'Shown: α(q, k) · ‖v(k)‖ / Σ over keys 1 … q of α · ‖v‖, α = softmax(query · key · scale); key 0 is hidden.',
    );
  if (valueWeighted)
    return t('Shown: α(q, k) · ‖v(k)‖ / Σ over keys 0 … q of α · ‖v‖, α = softmax(query · key · scale).');
  if (hideFirst)
    return t('Shown: α(q, k) / Σ over keys 1 … q of α, α = softmax(query · key · scale); key 0 is hidden.');
  return t('Shown: α(q, k) = softmax(query · key · scale) over keys 0 … q.');
}

/** What the colour grows with. */
const FOLLOWS: Readonly<Record<Scale, string>> = { linear: 'α', sqrt: '√α', log: 'log α' };

function fullColorOf({ scale, full, mass }: Choices): string {
  const follows = FOLLOWS[scale];
  const drawn = percent(mass);
  switch (full) {
    case 'row':
      return t(
        'Colour follows {0}; full colour at the largest weight of the row; {1} of each row drawn.',
        follows,
        drawn,
      );
    case 'head':
      return t(
        'Colour follows {0}; full colour at the largest weight of the head; {1} of each row drawn.',
        follows,
        drawn,
      );
    case 'all':
      return t('Colour follows {0}; full colour at 100 %; {1} of each row drawn.', follows, drawn);
  }
}

function csvOf({ inspected, sources, query }: Scene, shown: Shown): string {
  const isOurs = sources?.sequence === inspected.sequence;
  return csvOfKeys(
    Array.from({ length: query + 1 }, (_, position) => {
      const { id = -1, text = '' } = inspected.tokens[position] ?? {};
      const part = isOurs ? sources.parts[sources.partOf[position] ?? -1] : undefined;
      const line = isOurs ? (sources.lineOf[position] ?? 0) : 0;
      const weights = { weight: realWeightOf(shown, query, position), shown: weightOf(shown, query, position) };
      return { position, id, text, ...weights, ...(part && { file: part.file }), ...(line > 0 && { line }) };
    }),
  );
}

function jsonOf({ choices, inspected, query, key }: Scene, shown: Shown): string {
  const { layer, head, scale, full, hideFirst, valueWeighted, mass } = choices;
  return jsonOfHead({
    facts: inspected.facts,
    tokens: inspected.tokens,
    layer,
    head,
    weights: shown.weights,
    n: shown.n,
    valueNorms: inspected.heads.get(layer, head)?.valueNorms ?? new Float32Array(),
    settings: { scale, full, hideFirst, valueWeighted, mass, query, key },
  });
}
