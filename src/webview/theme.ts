// Reads the colours and fonts of the VS Code theme for what is drawn on canvases, which do not re-colour themselves.
// Knows nothing of maps. Read by main.ts at the start and whenever the theme changes.
import { parseColor, ramp, type Rgb, type Theme, type ThemeKind } from './palette';

const DARK: Rgb = [30, 30, 30];
const LIGHT: Rgb = [255, 255, 255];

function kindOf({ classList }: HTMLElement): ThemeKind {
  if (classList.contains('vscode-high-contrast-light')) return 'hc-light';
  if (classList.contains('vscode-high-contrast')) return 'hc-dark';
  return classList.contains('vscode-light') ? 'light' : 'dark';
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const kind = kindOf(document.body);
  const isDark = kind === 'dark' || kind === 'hc-dark';
  const read = (names: string[], otherwise: string): string => {
    for (const name of names) {
      const value = style.getPropertyValue(`--vscode-${name}`).trim();
      if (value !== '') return value;
    }
    return otherwise;
  };
  const background = read(['editor-background'], isDark ? '#1e1e1e' : '#ffffff');
  const foreground = read(['editor-foreground', 'foreground'], isDark ? '#cccccc' : '#333333');
  const strong = kind === 'hc-dark' || kind === 'hc-light';
  return {
    ramp: ramp(kind, parseColor(background, isDark ? DARK : LIGHT)),
    background,
    foreground,
    faint: strong ? foreground : read(['descriptionForeground'], foreground),
    line: read(strong ? ['contrastBorder'] : ['panel-border', 'editorWidget-border'], foreground),
    generated: read(['charts-green', 'charts-blue'], foreground),
    focus: read(strong ? ['contrastActiveBorder', 'focusBorder'] : ['focusBorder'], foreground),
    font: `11px ${read(['editor-font-family'], 'monospace')}`,
  };
}

/** Calls back when VS Code has put another theme on the page. */
export function onThemeChange(callback: () => void): void {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(document.documentElement, { attributeFilter: ['style'] });
}
