// The lesson: one head, one query, one key, step by step with the real numbers. Knows the scene, no host.
import type { LessonAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { element, setText } from '../dom';
import { percent } from '../scale';
import type { Scene } from '../scene';
import type { Section } from '../fold';
import type { Theme } from '../palette';
import { dot, pairOf, shareOf, sumOfExp } from '../steps';
import { nameOf } from '../words';

const WIDTH = 520;
const BARS = 44;
/** Pairs whose turning is drawn. */
const PAIRS = 4;

export class LessonSection implements Section {
  readonly #limit = element('p', { className: 'about' });
  readonly #steps = element('ol', { className: 'steps' });
  readonly root = element('div', {}, this.#limit, this.#steps);
  #filled: unknown[] = [];

  draw({ inspected, choices, query, key, theme, busy }: Scene): void {
    setText(this.#limit, inspected.facts.limits.lesson ?? '');
    const lesson = inspected.lessons.get(choices.layer, choices.head, query, key);
    if (!lesson && busy && this.#filled.length > 0) return;
    this.#steps.hidden = !lesson;
    if (!lesson || (this.#filled[0] === lesson && this.#filled[1] === theme)) return;
    this.#filled = [lesson, theme];
    this.#steps.replaceChildren(...steps(lesson, inspected.labels, theme));
  }
}

const step = (title: string, text: string, ...pictures: HTMLElement[]): HTMLElement =>
  element('li', {}, element('h3', {}, title), element('p', {}, text), element('div', { className: 'pictures' }, ...pictures)); // prettier-ignore

/** A number as people read it: four significant digits. */
const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(4))).replace('-', '−') : '−∞';

function steps(lesson: LessonAnswer, labels: readonly string[], theme: Theme): HTMLElement[] {
  const { layer, head, query, key, queryPlain, queryRotated, keyPlain, keyRotated, angles, scale, scores, weights } =
    lesson;
  const [looks, at] = [nameOf(labels, query), nameOf(labels, key)];
  const product = dot(queryRotated, keyRotated);
  const score = scores[key] ?? -Infinity;
  const largest = scores.reduce((most, value) => Math.max(most, value), -Infinity);
  const weight = weights[key] ?? 0;
  const vectors = (name: string, vector: Float32Array): HTMLElement =>
    picture(t('{0}: {1} numbers, length {2}', name, vector.length, short(length(vector))), bars(vector, theme));
  const made = [
    step(
      t('Query and key'),
      t('Layer {0}, head {1}: the token {2} asks with its query, the token {3} answers with its key. Both are vectors of {4} numbers.', layer, head, looks, at, queryPlain.length), // prettier-ignore
      vectors(t('query'), queryPlain),
      vectors(t('key'), keyPlain),
    ),
  ];
  if (angles.length > 0)
    made.push(
      step(
        t('The rotation by position'),
        [t('Each pair of numbers is turned by its position times an angle of its own, so that the product depends on how far apart the two stand: {0} tokens. Lengths stay as they are.', query - key), query === key ? t('Choose another key to see what a distance does.') : ''].join(' ').trim(), // prettier-ignore
        picture(t('The first pairs of the query are turned by {0}; thin: before, thick: after', degrees(lesson, query)), turns(lesson, queryPlain, queryRotated, theme)), // prettier-ignore
        vectors(t('query, turned'), queryRotated),
        picture(t('Those of the key are turned by {0}', degrees(lesson, key)), turns(lesson, keyPlain, keyRotated, theme)), // prettier-ignore
        vectors(t('key, turned'), keyRotated),
      ),
    );
  else
    made.push(
      step(
        t('The rotation by position'),
        t('Not here: this model has none, or its graph turns queries and keys before attention gets them, and they are shown turned.'), // prettier-ignore
      ),
    );
  made.push(
    step(
      t('Product and scaling'),
      Math.abs(scale * Math.sqrt(queryPlain.length) - 1) < 1e-3
        ? t('Query · key = {0}. Times {1} = 1 / √{2}, that is a score of {3}: long vectors do not get louder for their length.', short(product), short(scale), queryPlain.length, short(score)) // prettier-ignore
        : t('Query · key = {0}. Times {1}, the scale of this model (others take 1 / √{2}), that is a score of {3}.', short(product), short(scale), queryPlain.length, short(score)), // prettier-ignore
    ),
    step(
      t('The mask'),
      t('The query sees the {0} keys up to itself; those after it do not exist for it yet.', weights.length),
      picture(t('Scores of all keys; the strongest has {0}', short(largest)), bars(finite(scores), theme, key)),
    ),
    step(
      t('Softmax'),
      t('e to the power of each score, divided by the sum of all: exp({0} − {1}) / {2} = {3}. The weights of all keys sum to 100 %.', short(score), largest < 0 ? `(${short(largest)})` : short(largest), short(sumOfExp(scores, largest)), percent(weight)), // prettier-ignore
      picture(t('Weights of all keys; this one has {0}', percent(weight)), bars(weights, theme, key)),
    ),
    step(
      t('The value and what comes out'),
      t('The head takes {0} of the value of {1}, and so of every key; the sum is what it gives. This value makes up {2} of the length of that sum in its direction.', percent(weight), at, percent(shareOf(lesson))), // prettier-ignore
      vectors(t('value at the key'), lesson.value),
      vectors(t('output of the head'), lesson.output),
    ),
  );
  return made;
}

function picture(text: string, canvas: HTMLCanvasElement): HTMLElement {
  canvas.ariaHidden = 'true';
  return element('figure', {}, element('figcaption', {}, text), canvas);
}

const length = (vector: Float32Array): number => Math.sqrt(dot(vector, vector));

/** −Infinity at the mask is drawn as the least of the others. */
function finite(scores: Float32Array): Float32Array {
  const least = scores.reduce((low, score) => (Number.isFinite(score) ? Math.min(low, score) : low), 0);
  return scores.map((score) => (Number.isFinite(score) ? score : least));
}

/** By how much the first pairs are turned at a position. */
function degrees({ angles }: LessonAnswer, position: number): string {
  const all = Array.from(angles.subarray(0, PAIRS), (angle) =>
    t('{0}°', ((angle * position * 180) / Math.PI).toFixed(0)),
  );
  return new Intl.ListFormat(document.documentElement.lang || 'en', { type: 'unit' }).format(all);
}

/** A canvas for a drawing of this size in CSS pixels. */
function sheet(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = element('canvas', { width: width * devicePixelRatio, height: height * devicePixelRatio });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser has no 2D canvas');
  context.scale(devicePixelRatio, devicePixelRatio);
  return [canvas, context];
}

/** A vector as bars from a line of zero; `marked` is set off. */
function bars(vector: Float32Array, theme: Theme, marked = -1): HTMLCanvasElement {
  const each = Math.min(12, WIDTH / vector.length);
  const [canvas, context] = sheet(Math.ceil(each * vector.length), BARS);
  const [low, high] = vector.reduce(([min, max], value) => [Math.min(min, value), Math.max(max, value)], [0, 1e-9]);
  const y = (value: number): number => 2 + ((high - value) / (high - low)) * (BARS - 4);
  vector.forEach((value, index) => {
    context.fillStyle = index === marked ? theme.focus : theme.generated;
    const [top, bottom] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
    context.fillRect(index * each, top, Math.max(1, each - 0.5), Math.max(1, bottom - top));
    if (index === marked) context.fillRect(index * each, 0, Math.max(2, each - 0.5), 3);
  });
  context.fillStyle = theme.faint;
  context.fillRect(0, y(0), vector.length * each, 1);
  return canvas;
}

/** The first pairs of a vector as arrows on circles, before and after. */
function turns(
  { angles, interleaved }: LessonAnswer,
  before: Float32Array,
  after: Float32Array,
  theme: Theme,
): HTMLCanvasElement {
  // prettier-ignore
  const size = 72;
  const count = Math.min(PAIRS, angles.length);
  const [canvas, context] = sheet(count * (size + 8), size);
  for (let pair = 0; pair < count; pair++) {
    const center = { x: pair * (size + 8) + size / 2, y: size / 2 };
    const plain = pairOf(before, pair, interleaved, angles.length);
    const turned = pairOf(after, pair, interleaved, angles.length);
    const unit = (size / 2 - 4) / Math.max(1e-9, Math.hypot(...plain), Math.hypot(...turned));
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.beginPath();
    context.arc(center.x, center.y, Math.hypot(...turned) * unit, 0, 2 * Math.PI);
    context.stroke();
    for (const [[x, y], width, color] of [
      [plain, 1, theme.faint],
      [turned, 3, theme.generated],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(center.x, center.y);
      context.lineTo(center.x + x * unit, center.y - y * unit);
      context.stroke();
    }
  }
  return canvas;
}
