// Opens the attention panel in a plain browser, with panelHost.ts in place of the extension host. Called by panelPage.test.ts.

import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { attentionPage } from '../../src/extension/panel/page';
import { findChromium } from '../host/browser.mjs';
import type { Strings } from '../../src/l10n';
import type { PanelScript } from './panelHost';

export type Shape = Pick<PanelScript, 'layers' | 'heads' | 'kvHeads' | 'n' | 'promptTokens' | 'trouble'>;
export const SMALL: Shape = { layers: 4, heads: 4, kvHeads: 2, n: 96, promptTokens: 80 };

const ORIGIN = 'http://panel.invalid';

/** VS Code's own colours, as it puts them on the page. */
export const THEMES = {
  'vscode-dark': { 'editor-background': '#1f1f1f', 'editor-foreground': '#cccccc', foreground: '#cccccc', descriptionForeground: '#9d9d9d', focusBorder: '#0078d4', 'panel-border': '#2b2b2b', 'charts-blue': '#3794ff', 'charts-green': '#89d185', 'dropdown-background': '#313131', 'dropdown-foreground': '#cccccc', 'button-background': '#0078d4', 'button-foreground': '#ffffff', 'textLink-foreground': '#4daafc', 'list-inactiveSelectionBackground': '#37373d', 'dropdown-border': '#3c3c3c', 'button-hoverBackground': '#026ec1', 'button-secondaryBackground': '#313131', 'button-secondaryForeground': '#cccccc', 'button-secondaryHoverBackground': '#3c3c3c', 'charts-orange': '#d18616', 'textBlockQuote-background': '#2b2b2b' }, // prettier-ignore
  'vscode-light': { 'editor-background': '#ffffff', 'editor-foreground': '#3b3b3b', foreground: '#3b3b3b', descriptionForeground: '#3b3b3b', focusBorder: '#005fb8', 'panel-border': '#e5e5e5', 'charts-blue': '#1a85ff', 'charts-green': '#388a34', 'dropdown-background': '#ffffff', 'dropdown-foreground': '#3b3b3b', 'button-background': '#005fb8', 'button-foreground': '#ffffff', 'textLink-foreground': '#005fb8', 'list-inactiveSelectionBackground': '#e4e6f1', 'dropdown-border': '#cecece', 'button-hoverBackground': '#0258a8', 'button-secondaryBackground': '#e5e5e5', 'button-secondaryForeground': '#3b3b3b', 'button-secondaryHoverBackground': '#cccccc', 'charts-orange': '#d18616', 'textBlockQuote-background': '#f8f8f8' }, // prettier-ignore
  'vscode-high-contrast': { 'editor-background': '#000000', 'editor-foreground': '#ffffff', foreground: '#ffffff', descriptionForeground: '#ffffff', focusBorder: '#f38518', contrastBorder: '#6fc3df', contrastActiveBorder: '#f38518', 'charts-blue': '#3794ff', 'charts-green': '#89d185', 'dropdown-background': '#000000', 'dropdown-foreground': '#ffffff', 'button-background': '#000000', 'button-foreground': '#ffffff', 'textLink-foreground': '#21a6ff', 'dropdown-border': '#6fc3df', 'button-border': '#6fc3df', 'button-secondaryForeground': '#ffffff', 'panel-border': '#6fc3df', 'charts-orange': '#d18616' }, // prettier-ignore
  'vscode-high-contrast-light': { 'editor-background': '#ffffff', 'editor-foreground': '#292929', foreground: '#292929', descriptionForeground: '#292929', focusBorder: '#006bbd', contrastBorder: '#0f4a85', contrastActiveBorder: '#006bbd', 'charts-blue': '#1a85ff', 'charts-green': '#374e06', 'dropdown-background': '#ffffff', 'dropdown-foreground': '#292929', 'button-background': '#0f4a85', 'button-foreground': '#ffffff', 'textLink-foreground': '#0f4a85', 'dropdown-border': '#0f4a85', 'button-hoverBackground': '#0f4a85', 'button-secondaryBackground': '#ffffff', 'button-secondaryForeground': '#0f4a85', 'button-secondaryHoverBackground': '#ffffff', 'panel-border': '#0f4a85', 'charts-orange': '#d18616' }, // prettier-ignore
} as const;
export type ThemeName = keyof typeof THEMES;

/** How a page is opened; what is left out is dark, 640 pixels wide and English. */
export interface Opening {
  theme?: ThemeName;
  width?: number;
  /** BCP 47 tag and the words of the language. */
  language?: string;
  strings?: Strings;
  /** What is awaited before the page is handed over. */
  until?: string;
}

async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'iife', target: 'chrome120', write: false }); // prettier-ignore
  return outputFiles[0]?.text ?? '';
}

/** Why the panel cannot be opened here; false where it can. */
export const withoutBrowser = findChromium() === undefined && 'no Chromium here';

/** A browser with the panel's scripts. */
export async function openPanels(): Promise<{
  browser: Browser;
  open: (shape: Shape, as?: Opening) => Promise<Page>;
}> {
  const [host, panel] = await Promise.all([bundled('test/unit/panelHost.ts'), bundled('src/webview/main.ts')]);
  const browser = await chromium.launch({
    executablePath: findChromium() ?? '',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const style = readFileSync('media/panel.css', 'utf8');
  const open = async (shape: Shape, as: Opening = {}): Promise<Page> => {
    const { theme = 'vscode-dark', width = 640, language = 'en', strings = {}, until = '.token' } = as;
    const html = attentionPage({ nonce: 'n0nce', cspSource: ORIGIN, script: `${ORIGIN}/panel.js`, style: `${ORIGIN}/panel.css`, language, strings }); // prettier-ignore
    const files: Record<string, [type: string, body: string]> = {
      '/': ['text/html', html],
      '/panel.js': ['text/javascript', panel],
      '/panel.css': ['text/css', style],
    };
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    await page.route('**', (route) => {
      const [contentType, body] = files[new URL(route.request().url()).pathname] ?? [];
      return body === undefined ? route.abort() : route.fulfill({ contentType: contentType ?? '', body });
    });
    const facts = JSON.stringify({ ...shape, posted: [], hold: false, writing: false });
    const colors = JSON.stringify(THEMES[theme]);
    const dress = `addEventListener('DOMContentLoaded', () => { document.body.classList.add('${theme}'); for (const [name, color] of Object.entries(${colors})) document.documentElement.style.setProperty('--vscode-' + name, color); });`; // prettier-ignore
    await page.addInitScript({ content: `globalThis.panel = ${facts}; globalThis.seen = []; addEventListener('securitypolicyviolation', (e) => seen.push(e.violatedDirective)); ${dress}\n${host}` }); // prettier-ignore
    await page.goto(`${ORIGIN}/`);
    await page.waitForSelector(until);
    return page;
  };
  return { browser, open };
}
