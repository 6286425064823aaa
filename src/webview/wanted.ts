// What to ask next: what the open sections need and is not here yet, the most urgent first. Pure: the same state always asks the same.
import type { Question } from '../inspectionProtocol';
import type { Choices, SectionName } from './choices';
import type { Inspected } from './inspected';

/** What the reader looks at. */
export interface Look {
  choices: Choices;
  inspected: Inspected;
  /** The selected positions. */
  query: number;
  key: number;
  /** Position whose effects are to be measured, and the spans for it; undefined: nobody asked for it. */
  measure?: { position: number; spans: [number, number][] } | undefined;
}

/** While a text is written its overview, which costs a pass over all weights, is asked for after so many tokens, and again when it has grown by so much. */
const LONG = 64;
const GROWN = 1.125;
/** Effects are measured so long at a time, in milliseconds; what else is looked at meanwhile comes between. */
const WITHIN_MS = 250;
/** Edge of the overview's pictures. */
export const SIDE = 32;

/** `quick`: it costs little, and is asked before there is more text: else who writes fast would leave nothing but text to ask for. */
type Need = { in: SectionName[]; missing: boolean; question: Question; quick?: true };

/** Every question that the page could ask now, with the sections that need it, in the order of urgency. */
function needs({ choices, inspected, query, key, measure }: Look): Need[] {
  const { n, facts, drawn, overview } = inspected;
  const { layer, head } = choices;
  const { length } = inspected.tokens;
  const measured = measure && inspected.effects.get(measure.position);
  const rows = inspected.heads.get(layer, head)?.n ?? 0;
  const inText = (shade: string): SectionName[] => (choices.shade === shade ? ['text'] : []);
  const drawnTo = drawn?.n ?? facts.promptTokens;
  return [
    {
      in: ['head', 'lesson', ...inText('head')],
      missing: rows < length,
      question: { ask: 'head', layer, head, from: rows },
      quick: true,
    },
    {
      in: ['row', ...inText('mean')],
      missing: !inspected.rows.get(query),
      question: { ask: 'row', query },
      quick: true,
    },
    {
      in: ['answer', 'effects'],
      missing: drawnTo < length,
      question: { ask: 'drawn', from: drawnTo },
      quick: true,
    },
    { in: ['next'], missing: query > 0 && !inspected.logits.get(query), question: { ask: 'logits', position: query } },
    {
      in: ['overview', 'effects'],
      missing: inspected.finished
        ? overview?.n !== n
        : n >= facts.promptTokens + LONG && (overview?.n ?? 0) * GROWN < n,
      question: { ask: 'overview', side: SIDE },
    },
    {
      in: choices.summary === 'rollout' ? ['row'] : [],
      missing: !inspected.rollouts.get(query),
      question: { ask: 'rollout', query },
    },
    {
      in: ['lesson'],
      missing: facts.limits.lesson === undefined && !inspected.lessons.get(layer, head, query, key),
      question: { ask: 'lesson', layer, head, query, key },
    },
    {
      in: ['effects'],
      missing: measure !== undefined && (measured === undefined || measured.done < measured.of),
      question: {
        ask: 'effects',
        position: measure?.position ?? 0,
        heads: facts.limits.effects === undefined,
        spans: measured?.spans ?? measure?.spans ?? [],
        from: measured?.done ?? 0,
        within: WITHIN_MS,
      },
    },
    {
      in: ['effects'],
      missing: query > 0 && inspected.effects.get(query) !== undefined && !inspected.rows.get(query - 1),
      question: { ask: 'row', query: query - 1 },
    },
  ];
}

/** The next question; undefined when everything is here, or could not be had. */
export function nextQuestion(look: Look): Question | undefined {
  const { inspected, choices } = look;
  const { length } = inspected.tokens;
  const wanted = needs(look).filter(
    (need) =>
      need.missing &&
      need.in.some((name) => choices.open.includes(name)) &&
      // A copy of the graph has weights when the text is complete.
      (inspected.finished || inspected.facts.kernel === 'own' || need.question.ask === 'logits') &&
      inspected.failure(need.question) === undefined,
  );
  const quick = wanted.find((need) => need.quick);
  if (quick) return quick.question;
  const text: Question = { ask: 'text', from: length };
  if (length < inspected.n && inspected.failure(text) === undefined) return text;
  return wanted[0]?.question;
}

/** Why a section lacks what it needs, in words; empty where nothing failed. */
export function failureIn(look: Look, section: SectionName): string {
  for (const need of needs(look)) {
    const why = need.missing && need.in.includes(section) ? look.inspected.failure(need.question) : undefined;
    if (why !== undefined) return why;
  }
  return '';
}
