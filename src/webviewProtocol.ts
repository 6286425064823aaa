// Every message between the extension host and the webview of the attention panel. Types only.

import type { Answer, Question, SequenceName } from './inspectionProtocol';

// ---------------------------------------------------------------- extension host → attention webview

/** A completion that can be looked into. */
export interface SequenceEntry {
  sequence: number;
  /** What became of it: the suggestion on show, or one that was accepted, sent away, or not taken for another reason; or text that Generate wrote. */
  fate: 'shown' | 'accepted' | 'dismissed' | 'other' | 'generated';
  /** The first line of its text. */
  title: string;
  /** Name of the document. */
  document: string;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** What there is: comes first, and whenever it changes. Nothing to look at, and why, where `notice` is set. */
export interface HostState {
  type: 'state';
  notice?: string;
  /** The newest first. */
  sequences: SequenceEntry[];
  model: string;
}

/** The answer to the question with that number; or why there is none, in words. */
export interface HostAnswer {
  type: 'answer';
  number: number;
  answer?: Answer;
  error?: string;
}

/** The sequence that is being written has grown, or has ended. */
export interface HostGrew {
  type: 'grew';
  sequence: number;
  n: number;
  finished: boolean;
}

/** A named part of a document or of another file: where tokens come from, in words. */
export interface SourcePart {
  /** Such as `parseArgs`; the imports; the rest of the file. */
  name: string;
  kind: 'symbol' | 'imports' | 'rest';
  /** Name of the file. */
  file: string;
  /** Line numbers from 1, as the editor shows them. */
  firstLine: number;
  lastLine: number;
}

/** Where the tokens of a sequence stand, by position; as far as the document still says the same. */
export interface HostSources {
  type: 'sources';
  sequence: number;
  parts: SourcePart[];
  /** By position: index of its part, −1: none (the frame, generated text). */
  partOf: Int32Array<ArrayBuffer>;
  /** By position: line number from 1 in its file; 0: none. */
  lineOf: Int32Array<ArrayBuffer>;
  /** True where the document has changed since, so that some tokens have lost their place. */
  changed: boolean;
}

/** The caret in the editor stands on this token. */
export interface HostCaret {
  type: 'caret';
  sequence: number;
  position: number;
}

/** Show this sequence: somebody asked why it was suggested. */
export interface HostShow {
  type: 'show';
  sequence: SequenceName;
}

/** What was to be shown in the editor is shown, at a file and a line; or has no place there; or could not be. */
export interface HostRevealed {
  type: 'revealed';
  at?: string;
  failure?: string;
}

export type ToWebview = HostState | HostAnswer | HostGrew | HostSources | HostCaret | HostShow | HostRevealed;

// ---------------------------------------------------------------- attention webview → extension host

/** The script runs and listens. */
export interface WebviewReady {
  type: 'ready';
}

/** At most one question is under way. */
export interface WebviewAsk {
  type: 'ask';
  number: number;
  sequence: SequenceName;
  question: Question;
}

/** This sequence is on show: its sources and carets are wanted. */
export interface WebviewShows {
  type: 'shows';
  sequence: SequenceName;
}

/** A token is pointed at or selected: its range in the editor is outlined, those with weight are shaded; `reveal` scrolls there. */
export interface WebviewPoint {
  type: 'point';
  sequence: number;
  /** −1: none any more. */
  position: number;
  /** [position + 1] at most: share of each key, 0 to 255; empty: no shading. */
  shares: Uint8Array<ArrayBuffer>;
  reveal: boolean;
}

/** Save a file that the panel has made. */
export interface WebviewExport {
  type: 'export';
  /** Without folder; its ending says the format. */
  name: string;
  data: Uint8Array<ArrayBuffer>;
}

export type FromWebview = WebviewReady | WebviewAsk | WebviewShows | WebviewPoint | WebviewExport;
