// The page of the attention panel. Pure strings, no `vscode`, so that tests and a plain browser can use the same page.
import { t, type Strings } from '../../l10n';

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
    `base-uri 'none'`,
    `form-action 'none'`,
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
