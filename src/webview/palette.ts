// Colour ramps for the heat map: 256 steps from no weight to all of it, with even steps of lightness, so that they
// keep their order for colour-blind readers and in grey. Pure; the colours of the theme come from theme.ts.

/** Red, green and blue, 0 to 255, sRGB. */
export type Rgb = readonly [number, number, number];
export type ThemeKind = 'dark' | 'light' | 'hc-dark' | 'hc-light';

/** Colours and font for what is drawn on canvases, as CSS has them. */
export interface Theme {
  /** 256 colours from no weight to all of it, RGBA words. */
  ramp: Uint32Array<ArrayBuffer>;
  background: string;
  foreground: string;
  /** Less important text. */
  faint: string;
  /** Lines between regions. */
  line: string;
  /** What belongs to generated tokens. */
  generated: string;
  /** The selected row and column. */
  focus: string;
  /** Font of token labels, as for `context.font`. */
  font: string;
}

/** Lightness in [0, 1] and the two colour axes (green–red, blue–yellow) of Oklab. */
type Lab = readonly [number, number, number];
/** A place in [0, 1] on the ramp and the colour axes there; lightness is a straight line between the ends. */
type Tint = readonly [at: number, a: number, b: number];

const STEPS = 256;

/** Deep blue through grey to yellow: the axis that red–green colour blindness leaves alone. */
const BLUE_YELLOW: readonly Tint[] = [[0, -0.01, -0.085], [0.35, -0.005, -0.035], [0.6, -0.01, 0.04], [1, -0.03, 0.155]]; // prettier-ignore
const BLUE: readonly Tint[] = [[0.35, -0.035, -0.085], [0.7, -0.02, -0.15], [1, 0.015, -0.115]]; // prettier-ignore
const AMBER: readonly Tint[] = [[0.35, 0.02, 0.07], [0.75, 0.01, 0.14], [1, 0, 0.02]]; // prettier-ignore

/** The ramp of a kind of theme, 256 colours as little-endian RGBA words. On light themes no weight at all has the
 * editor's background; on dark ones it is a little lighter, so that it is seen where the map ends. */
export function ramp(kind: ThemeKind, background: Rgb): Uint32Array<ArrayBuffer> {
  const [lightness, a, b] = toOklab(background);
  const ground: Tint = [0, a, b];
  if (kind === 'dark') return build(0.24, 0.92, BLUE_YELLOW);
  if (kind === 'light') return build(Math.max(lightness, 0.7), 0.25, [ground, ...BLUE]);
  if (kind === 'hc-dark') return build(0.2, 1, [ground, ...AMBER]);
  return build(Math.max(lightness, 0.7), 0.1, [ground, ...BLUE]);
}

function build(from: number, to: number, tints: readonly Tint[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const at = step / (STEPS - 1);
    const [a, b] = tintAt(tints, at);
    const [red, green, blue] = fromOklab([from + (to - from) * at, a, b]);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

function tintAt(tints: readonly Tint[], at: number): [number, number] {
  const after = tints.find((tint) => tint[0] >= at) ?? tints.at(-1) ?? [1, 0, 0];
  const before = tints.findLast((tint) => tint[0] <= at) ?? after;
  const part = after[0] === before[0] ? 0 : (at - before[0]) / (after[0] - before[0]);
  return [before[1] + part * (after[1] - before[1]), before[2] + part * (after[2] - before[2])];
}

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()` or `rgba()`; anything else gives `otherwise`. Opacity is left out. */
export function parseColor(text: string, otherwise: Rgb): Rgb {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(text.trim())?.[1];
  if (hex !== undefined) {
    const long = hex.length < 6 ? [...hex].map((digit) => digit + digit).join('') : hex;
    const at = (place: number): number => parseInt(long.slice(place, place + 2), 16);
    return [at(0), at(2), at(4)];
  }
  const [red, green, blue] = /^rgba?\(/i.test(text.trim()) ? (text.match(/[\d.]+/g) ?? []).map(Number) : [];
  return red === undefined || green === undefined || blue === undefined ? otherwise : [red, green, blue];
}

/** Luminance relative to white, in [0, 1], as the web's contrast rules define it. */
export function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * toLinear(red) + 0.7152 * toLinear(green) + 0.0722 * toLinear(blue);
}

const toLinear = (byte: number): number => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};
const fromLinear = (value: number): number => {
  const clipped = Math.min(1, Math.max(0, value));
  return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
};

function toOklab(rgb: Rgb): Lab {
  const [r, g, b] = [toLinear(rgb[0]), toLinear(rgb[1]), toLinear(rgb[2])];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Lab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
