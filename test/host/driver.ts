// What a test inside the extension host can do to the real window, and see of it: types, keys, pictures, ghost text frame by
// frame, the inside of a webview. The launcher does the work (bridge.mjs); in a desktop VS Code there is no such bridge and
// `connectDriver` returns undefined. Called by the suite.
export interface GhostFrame {
  /** The whole ghost text on show, lines joined by a line feed; empty when none was. */
  text: string;
  /** Of a painted frame: the document's own text on the cursor's line as it was drawn, and the line's number from 1. */
  line?: string;
  lineNumber?: number;
  /** Milliseconds on the page's clock. */
  at: number;
  /** True for what a paint showed; false for what came and went in between. */
  painted: boolean;
}

export interface Recording {
  frames: GhostFrame[];
  /** When the browser got each key that types, in milliseconds on the page's clock. */
  keys: number[];
}

export interface Driver {
  /** Types into whatever has the focus, like a person: VS Code sees each key. */
  type(text: string, options?: { delayMs?: number }): Promise<void>;
  /** Types with exactly this time from key to key, however long the window takes; resolves with how late each key was sent, in milliseconds. */
  typePaced(text: string, intervalMs: number): Promise<number[]>;
  /** One key or chord in Playwright's spelling: `Tab`, `Escape`, `Control+ArrowRight`. */
  press(key: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Writes .vscode-test/screenshots/NAME.png and returns its path. */
  screenshot(name: string): Promise<string>;
  /** Value of a JavaScript expression in the workbench's page; promises are awaited. */
  evaluate<T>(expression: string): Promise<T>;
  startGhost(): Promise<void>;
  /** Every distinct state since startGhost, in order. */
  stopGhost(): Promise<GhostFrame[]>;
  /** The same, with the keys. */
  stopRecording(): Promise<Recording>;
  /** The webview on show: its own document, not the frames around it. */
  webview: {
    evaluate<T>(expression: string): Promise<T>;
    click(selector: string): Promise<void>;
  };
}

export function connectDriver(env: NodeJS.ProcessEnv = process.env): Driver | undefined {
  const { GLASSBOX_DRIVER_URL: url, GLASSBOX_DRIVER_TOKEN: token } = env;
  if (!url || !token) return undefined;

  const send = async (action: string, body: object = {}): Promise<unknown> => {
    const response = await fetch(url + action, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { value?: unknown; error?: string };
    if (answer.error) throw new Error(`${action}: ${answer.error}`);
    return answer.value;
  };
  return {
    type: async (text, options) => void (await send('/type', { text, ...options })),
    typePaced: async (text, intervalMs) => (await send('/typePaced', { text, intervalMs })) as number[],
    press: async (key) => void (await send('/press', { key })),
    click: async (selector) => void (await send('/click', { selector })),
    screenshot: async (name) => (await send('/screenshot', { name })) as string,
    evaluate: async <T>(expression: string) => (await send('/evaluate', { expression })) as T,
    startGhost: async () => void (await send('/ghost/start')),
    stopGhost: async () => ((await send('/ghost/stop')) as Recording).frames,
    stopRecording: async () => (await send('/ghost/stop')) as Recording,
    webview: {
      evaluate: async <T>(expression: string) => (await send('/webview/evaluate', { expression })) as T,
      click: async (selector) => void (await send('/webview/click', { selector })),
    },
  };
}

/** What a person saw: the painted frames, without repeats. */
export function painted(frames: GhostFrame[]): GhostFrame[] {
  const seen = frames.filter((frame) => frame.painted);
  return seen.filter((frame, i) => i === 0 || frame.text !== seen[i - 1]?.text);
}
