// Where the keys of a text come from, in words: parts, lines or files, and how much was drawn from each. Pure.
import type { TokenPlace } from '../inspectionProtocol';
import { t } from '../l10n';
import type { HostSources, SourcePart } from '../webviewProtocol';
import type { Choices } from './choices';
import type { Inspected } from './inspected';

export interface Origin {
  name: string;
  /** File and lines; empty where there are none. */
  where: string;
  /** Share of what was drawn, in [0, 1]. */
  share: number;
  /** It is a part of a text that somebody wrote, neither the frame nor what the model wrote. */
  code: boolean;
  /** The key with the most weight in it. */
  position: number;
  /** The spans [start, end) of its positions. */
  spans: [start: number, end: number][];
}

/** Adds up what was drawn from each key by its origin; the largest first, those of nothing left out. @param keys [position] shares */
export function origins(
  keys: Float32Array,
  inspected: Inspected,
  sources: HostSources | undefined,
  group: Choices['group'],
): Origin[] {
  const found = new Map<string, Origin & { best: number }>();
  keys.forEach((share, position) => {
    const [name, where] = originOf(position, inspected, sources, group);
    const place = inspected.tokens[position]?.place.in;
    const code = place === 'document' || place === 'file';
    const key = `${name}\0${where}`;
    let origin = found.get(key);
    if (!origin) found.set(key, (origin = { name, where, share: 0, code, position, spans: [], best: 0 }));
    origin.share += share;
    if (share > origin.best) [origin.best, origin.position] = [share, position];
    const last = origin.spans.at(-1);
    if (last?.[1] === position) last[1]++;
    else origin.spans.push([position, position + 1]);
  });
  return [...found.values()].filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
}

/** The origin of a key: its name, and its place. */
function originOf(
  position: number,
  inspected: Inspected,
  sources: HostSources | undefined,
  group: Choices['group'],
): [name: string, where: string] {
  const place = inspected.tokens[position]?.place ?? { in: 'frame' };
  const part = sources?.parts[sources.partOf[position] ?? -1];
  if (!part || place.in === 'generated' || place.in === 'frame') return [placeName(place, inspected), ''];
  const line = sources.lineOf[position] ?? 0;
  if (group === 'file') return [part.file, ''];
  if (group === 'line' && line > 0) return [t('line {0}', line), part.file];
  return [partName(part), t('{0}, lines {1}–{2}', part.file, part.firstLine, part.lastLine)];
}

function partName({ kind, name }: SourcePart): string {
  if (kind === 'imports') return t('the imports');
  return kind === 'rest' ? t('the rest of the file') : `\`${name}\``;
}

/** Where a token stands, as far as that is known without the editor. */
export function placeName(place: TokenPlace, { facts }: Pick<Inspected, 'facts'>): string {
  switch (place.in) {
    case 'document':
      return place.end <= 0 ? t('the text before the cursor') : t('the text after the cursor');
    case 'file':
      return facts.files[place.file] ?? t('another file');
    case 'frame':
      return t('the frame around the text');
    case 'generated':
      return t('what it had written itself');
  }
}
