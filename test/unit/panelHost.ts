// Stands in for the extension host inside a page of the panel: answers every question about one made-up sequence, by the same arithmetic as the
// engine's. Runs in the browser, before the page's own script. Called by panelPage.test.ts.

import { drawn } from '../../src/attention/drawn';
import { figures } from '../../src/attention/figures';
import { thumbnails } from '../../src/attention/overview';
import { rollout, uniformRollout } from '../../src/attention/rollout';
import { quantise, rowOf, rowStart, triangleLength } from '../../src/attention/weights';
import type { Answer, LessonAnswer, Question, TokenFacts } from '../../src/inspectionProtocol';
import type { FromWebview, ToWebview, WebviewAsk } from '../../src/webviewProtocol';

/** What the test says of the sequence, and what it sees. */
export interface PanelScript {
  layers: number;
  heads: number;
  kvHeads: number;
  n: number;
  promptTokens: number;
  /** What is not as it should be: nothing to look at, and why; no answer, and why; why a head cannot be taken out or explained. */
  trouble?: { notice?: string; error?: string; limit?: string };
  /** All that the page has posted, in order. */
  posted: FromWebview[];
  /** So many tokens are there by now. */
  grow: (n: number, finished: boolean) => void;
  send: (message: ToWebview) => void;
  /** Answers are held back until this is called. */
  hold: boolean;
  release: () => void;
  /** The text has not ended. */
  writing: boolean;
}

interface Page {
  panel: PanelScript;
  acquireVsCodeApi: () => unknown;
  postMessage: (message: unknown, origin: string) => void;
  sessionStorage: { getItem: (key: string) => string | null; setItem: (key: string, value: string) => void };
}
const page = globalThis as unknown as Page;
const script = page.panel;
const { layers, heads, kvHeads } = script;
const HEAD_DIM = 16;
const VOCAB = 400;
const SEQUENCE = 7;

/** Numbers in [0, 1) that are the same every time. */
let seed = 1;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

const WORDS = ['function', ' total', '(', 'items', ')', ' {', '\n', '  ', 'return', ' items', '.', 'length', ';', '<b>', '\t', '&amp;', '🙂', ' // é', '\n\n', '}']; // prettier-ignore
const MOST = 2048;
const ids = Array.from({ length: MOST }, (_, position) => (position === 0 ? 0 : Math.floor(random() * WORDS.length)));

const tokens: TokenFacts[] = ids.map((id, position) => {
  const written = position >= script.promptTokens;
  return {
    id,
    text: position === 0 ? '<|fim_prefix|>' : (WORDS[id] ?? ''),
    special: position === 0,
    place: written ? { in: 'generated', start: position, end: position + 1 } : { in: 'document', start: position - 500, end: position - 499 }, // prettier-ignore
    ...(written && { logprob: Math.log(0.1 + 0.9 * random()) }),
  };
});

/** Causal rows with a resting place, a liking for near tokens, and some for the same token. */
function triangle(layer: number, head: number, n: number): Uint16Array<ArrayBuffer> {
  const weights = new Uint16Array(triangleLength(n));
  for (let query = 0; query < n; query++) {
    const row = Float32Array.from({ length: query + 1 }, (_, key) => {
      const near = head === 0 ? 4 * Math.exp((key - query) / (1 + layer)) : 0;
      const same = head === 1 && key < query && ids[key] === ids[query] ? 3 : 0;
      const noise = 2 * (((ids[key] ?? 0) * 31 + layer * 7 + head * 13 + query * 3) % 10) / 10; // prettier-ignore
      return Math.exp(near + same + noise + (key === 0 ? 3 : 0));
    });
    const sum = row.reduce((a, b) => a + b, 0);
    quantise(row.map((value) => value / sum), 0, query + 1, weights, rowStart(query)); // prettier-ignore
  }
  return weights;
}

let all = Array.from({ length: layers }, (_, layer) => Array.from({ length: heads }, (_, head) => triangle(layer, head, script.n))); // prettier-ignore

const vector = (count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, () => 2 * random() - 1);

function lesson(layer: number, head: number, query: number, key: number): LessonAnswer {
  const half = HEAD_DIM / 2;
  const angles = Float32Array.from({ length: half }, (_, pair) => 10000 ** (-pair / half));
  const turned = (plain: Float32Array, position: number): Float32Array<ArrayBuffer> =>
    Float32Array.from(plain, (value, at) => {
      const angle = (angles[at % half] ?? 0) * position;
      const other = plain[(at + half) % HEAD_DIM] ?? 0;
      return value * Math.cos(angle) + (at < half ? -1 : 1) * other * Math.sin(angle);
    });
  const [queryPlain, keyPlain, value] = [vector(HEAD_DIM), vector(HEAD_DIM), vector(HEAD_DIM)];
  const row = rowOf(all[layer]?.[head] ?? new Uint16Array(), query);
  const weights = Float32Array.from(row, (w) => (w / 65535) ** 2);
  return {
    answer: 'lesson',
    sequence: SEQUENCE,
    layer,
    head,
    query,
    key,
    queryPlain,
    queryRotated: turned(queryPlain, query),
    keyPlain,
    keyRotated: turned(keyPlain, key),
    angles,
    interleaved: false,
    scale: 1 / Math.sqrt(HEAD_DIM),
    scores: weights.map((weight) => Math.log(weight)),
    weights,
    value,
    output: value.map((v) => 0.5 * v + 0.1),
  };
}

function answer(question: Question): Answer {
  const { n } = script;
  switch (question.ask) {
    case 'text':
      return {
        answer: 'text',
        sequence: SEQUENCE,
        from: question.from,
        tokens: tokens.slice(question.from, n),
        promptTokens: script.promptTokens,
        finished: done,
        files: ['lib/b.ts'],
        path: 'src/a.ts',
        shape: { layers, heads, kvHeads, headDim: HEAD_DIM, vocab: VOCAB, windows: Array<number>(layers).fill(0) },
        kernel: 'own',
        precision: { matrices: 'int8', softmax: 'float32' },
        model: 'made-up',
        limits:
          script.trouble?.limit === undefined ? {} : { effects: script.trouble.limit, lesson: script.trouble.limit },
      };
    case 'overview':
      return { answer: 'overview', sequence: SEQUENCE, n, side: question.side, thumbnails: thumbnails(all, n, question.side), figures: figures(all, n, tokens.slice(0, n)) }; // prettier-ignore
    case 'head': {
      const { layer, head, from } = question;
      const weights = (all[layer]?.[head] ?? new Uint16Array()).slice(rowStart(from));
      return { answer: 'head', sequence: SEQUENCE, layer, head, from, n, weights, valueNorms: Float32Array.from({ length: n }, (_, key) => 0.5 + ((key * 7) % 5)) }; // prettier-ignore
    }
    case 'row': {
      const { query } = question;
      const weights = new Uint16Array(layers * heads * (query + 1));
      all.flat().forEach((head, index) => weights.set(rowOf(head, query), index * (query + 1)));
      return { answer: 'row', sequence: SEQUENCE, query, weights };
    }
    case 'drawn': {
      const rows: Float32Array[] = [];
      for (let position = question.from; position < n; position++) rows.push(drawn(all, position));
      const weights = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
      rows.reduce((at, row) => (weights.set(row, at), at + row.length), 0);
      return { answer: 'drawn', sequence: SEQUENCE, from: question.from, n, weights };
    }
    case 'rollout':
      return { answer: 'rollout', sequence: SEQUENCE, query: question.query, weights: rollout(all, question.query), uniform: uniformRollout(Array<number>(layers).fill(0), question.query) }; // prettier-ignore
    case 'logits': {
      const logits = vector(VOCAB).map((value) => 6 * value);
      const taken = ids[question.position] ?? 0;
      logits[taken] = 7;
      return { answer: 'logits', sequence: SEQUENCE, position: question.position, taken, logits, texts: WORDS.map((text, id) => [id, text]) }; // prettier-ignore
    }
    case 'effects': {
      // As an engine that measures ten at a time.
      const { position, spans, from = 0 } = question;
      const all = vector(spans.length + layers * heads);
      const [of, done] = [all.length, Math.min(all.length, from + 10)];
      const end = Math.max(from, Math.min(done, spans.length));
      return { answer: 'effects', sequence: SEQUENCE, position, logprob: -0.4, from, of, spans: all.slice(from, end), heads: all.slice(end, done) }; // prettier-ignore
    }
    case 'lesson':
      return lesson(question.layer, question.head, question.query, question.key);
  }
}

let done = true;
let held: WebviewAsk[] = [];
const reply = ({ number, question }: WebviewAsk): void => {
  const error = script.trouble?.error;
  if (error !== undefined) script.send({ type: 'answer', number, error });
  else script.send({ type: 'answer', number, answer: answer(question) });
};

script.send = (message) => page.postMessage(message, '*');
script.release = () => held.splice(0).forEach(reply);
script.grow = (n, finished) => {
  script.n = n;
  done = finished;
  script.writing = !finished;
  all = all.map((_, layer) => Array.from({ length: heads }, (_, head) => triangle(layer, head, n)));
  script.send({ type: 'grew', sequence: SEQUENCE, n, finished });
};

function receive(message: FromWebview): void {
  script.posted.push(message);
  if (message.type === 'ready') {
    const notice = script.trouble?.notice;
    if (notice !== undefined) return script.send({ type: 'state', notice, sequences: [], model: 'made-up' });
    const entry = (sequence: number, title: string) => ({ sequence, fate: 'accepted' as const, title, document: 'a.ts', at: 0 }); // prettier-ignore
    script.send({
      type: 'state',
      sequences: [entry(SEQUENCE, 'return items.length;'), entry(3, '<img src=x>')],
      model: 'made-up',
    });
    const parts = [
      { name: 'parseArgs', kind: 'symbol' as const, file: 'utils.ts', firstLine: 3, lastLine: 19 },
      { name: '', kind: 'imports' as const, file: 'a.ts', firstLine: 1, lastLine: 2 },
      { name: '', kind: 'rest' as const, file: 'a.ts', firstLine: 3, lastLine: 40 },
    ];
    const partOf = Int32Array.from({ length: script.n }, (_, at) => (at === 0 || at >= script.promptTokens ? -1 : at % 9 < 4 ? 0 : at % 9 < 6 ? 1 : 2)); // prettier-ignore
    script.send({ type: 'sources', sequence: SEQUENCE, parts, partOf, lineOf: partOf.map((part, at) => (part < 0 ? 0 : 1 + Math.floor((at % 95) / 5))), changed: false }); // prettier-ignore
  }
  if (message.type === 'point' && message.reveal)
    script.send({ type: 'revealed', ...(message.position < script.promptTokens && { at: `a.ts, line ${message.position}` }) }); // prettier-ignore
  if (message.type === 'ask') {
    if (script.hold) held.push(message);
    else reply(message);
  }
}

page.acquireVsCodeApi = () => ({
  postMessage: (message: FromWebview) => receive(message),
  getState: () => JSON.parse(page.sessionStorage.getItem('state') ?? 'null') as unknown,
  setState: (state: unknown) => page.sessionStorage.setItem('state', JSON.stringify(state)),
});
held = [];
