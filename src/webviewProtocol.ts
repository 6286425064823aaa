// Every message between the extension host and the webview of the attention panel. Types only.

import type { AttentionMap } from './protocol';

// ---------------------------------------------------------------- extension host → attention webview

/** Draw this map. */
export interface ShowMap {
  type: 'map';
  map: AttentionMap;
  /** Number of layers and heads to choose from. */
  layers: number;
  heads: number;
  model: string;
}

/** Nothing to draw, and why: no completion yet, engine starting, engine failed. */
export interface ShowNotice {
  type: 'notice';
  text: string;
}

export type ToWebview = ShowMap | ShowNotice;

// ---------------------------------------------------------------- attention webview → extension host

/** The script runs and listens; the host answers with what there is to show. */
export interface WebviewReady {
  type: 'ready';
  /** The choice kept from before the view was hidden. */
  layer: number;
  head: number;
}

/** The reader chose another head. */
export interface WebviewSelect {
  type: 'select';
  layer: number;
  head: number;
}

export type FromWebview = WebviewReady | WebviewSelect;
