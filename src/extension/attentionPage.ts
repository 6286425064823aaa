// The page of the attention panel, and the check of what it sends back. Pure strings and values, no `vscode`, so that
// tests and a plain browser can use the same page. Called by attentionPanel.ts.
import { t, type Strings } from '../l10n';
import type { FromWebview } from '../webviewProtocol';

export interface PageParts {
  /** Unguessable, new for every page. */
  nonce: string;
  /** The origin of the extension's own files inside a webview. */
  cspSource: string;
  script: string;
  style: string;
  /** BCP 47 tag of the reader's language, and its words. */
  language: string;
  strings: Strings;
}

/** Text between quotes or tags. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page: nothing is allowed but our one script, our one style sheet and our own images. */
export function attentionPage({ nonce, cspSource, script, style, language, strings }: PageParts): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `img-src ${cspSource} blob: data:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(t('Attention'))}</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script type="application/json" id="strings">${JSON.stringify(strings).replaceAll('<', '\\u003c')}</script>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}

/** More layers or heads than any model has. */
const LIMIT = 4096;

/** A message of the page, or undefined when it is not one. Whether the model has that layer and head is not known here. */
export function readMessage(message: unknown): FromWebview | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, layer, head } = message as Record<keyof FromWebview, unknown>;
  const isIndex = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < LIMIT;
  if ((type !== 'ready' && type !== 'select') || !isIndex(layer) || !isIndex(head)) return undefined;
  return { type, layer, head };
}
