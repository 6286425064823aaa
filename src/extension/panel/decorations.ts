// How the pointed token and what it looks at are drawn in editors: an outline, and eight strengths of shading in colours of the theme.

import * as vscode from 'vscode';

/** Strengths of shading; the manifest has a colour for each. */
export const LEVELS = 8;

/** An outline, then the shadings from the weakest on. Disposing them removes them from all editors. */
export interface Decorations {
  outline: vscode.TextEditorDecorationType;
  shades: vscode.TextEditorDecorationType[];
}

/** Made when they are first needed, so that nothing is in the editor while nobody looks. */
export function makeDecorations(): Decorations {
  const colour = (id: string): vscode.ThemeColor => new vscode.ThemeColor(id);
  const outline = vscode.window.createTextEditorDecorationType({
    border: '2px solid',
    borderColor: colour('focusBorder'),
    overviewRulerColor: colour('focusBorder'),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  const shades = Array.from({ length: LEVELS }, (_, i) =>
    vscode.window.createTextEditorDecorationType({
      backgroundColor: colour(`glassbox.attention${i + 1}`),
      // High contrast themes alone have this colour: there, the border says it, dotted where the weight is small.
      border: `1px ${i < LEVELS / 2 ? 'dotted' : 'solid'}`,
      borderColor: colour('contrastBorder'),
      // The weak ones would fill the ruler.
      ...(i < LEVELS / 2
        ? {}
        : {
            overviewRulerColor: colour(`glassbox.attention${i + 1}`),
            overviewRulerLane: vscode.OverviewRulerLane.Center,
          }),
    }),
  );
  return { outline, shades };
}

/** The strength of a share of 255, from 1 to `LEVELS`; 0: too little to be seen. As in the panel. */
export function levelOf(share: number): number {
  return Math.min(LEVELS, Math.max(0, Math.ceil((share * LEVELS) / 255 - 0.25)));
}
