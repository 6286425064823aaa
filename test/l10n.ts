// Reads what people read out of the sources: the sentences that go through t(), and texts in places that people see which do not.
// Called by test/unit/l10n.test.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface Found {
  /** Sentence → where it stands. */
  sentences: Map<string, string>;
  /** Calls of t() whose first argument is no literal, or that have another number of arguments than places for them. */
  wrong: string[];
  /** Texts that people see and that are not said in their language. */
  untold: string[];
}

/** Functions of VS Code that show their texts. */
const SHOWS = /^(show(Information|Warning|Error)Message|createWebviewPanel)$/;
/** Properties whose text is shown. */
const SHOWN_PROPERTIES = new Set(
  'title label detail description tooltip placeHolder placeholder prompt message ariaLabel ariaValueText textContent'.split(
    ' ',
  ),
);
/** What is the same in every language: names, numbers, and marks. */
const SAME_EVERYWHERE = /^(Glassbox|Accepted|p\d\d|[^\p{L}]*)$/u;

/** Reads all sources under a folder. */
export function readSources(root = 'src'): Found {
  const found: Found = { sentences: new Map(), wrong: [], untold: [] };
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
    const file = join(root, name).replaceAll('\\', '/');
    readSource(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true), found);
  }
  return found;
}

/** Reads one source; `found` gets what is in it. */
export function readSource(source: ts.SourceFile, found: Found): void {
  const shown = /^src\/(extension|webview)\//.test(source.fileName);
  const at = (node: ts.Node): string =>
    `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
  const untold = (node: ts.Node | undefined): void => {
    for (const text of node === undefined ? [] : textsIn(node))
      if (!SAME_EVERYWHERE.test(text.value)) found.untold.push(`${at(text.node)}: ${text.value}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const callee = ts.isPropertyAccessExpression(node.expression)
        ? node.expression.name.text
        : node.expression.getText();
      if (callee === 't' && ts.isIdentifier(node.expression)) readCall(node, at(node), found);
      else if (shown && SHOWS.test(callee)) for (const argument of node.arguments) untold(argument);
      else if (shown && callee === 'element') for (const child of node.arguments.slice(2)) untold(child);
      else if (shown && callee === 'setText') untold(node.arguments[1]);
    } else if (shown && ts.isPropertyAssignment(node) && SHOWN_PROPERTIES.has(node.name.getText()))
      untold(node.initializer);
    else if (
      shown &&
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      ts.isPropertyAccessExpression(node.left) &&
      SHOWN_PROPERTIES.has(node.left.name.text)
    )
      untold(node.right);
    else if (ts.isNewExpression(node) && node.expression.getText() === 'EngineError') untold(node.arguments?.[1]);
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function readCall(call: ts.CallExpression, where: string, found: Found): void {
  const [first, ...others] = call.arguments;
  if (first === undefined || !ts.isStringLiteral(first)) found.wrong.push(`${where}: ${call.getText()}`);
  else {
    found.sentences.set(first.text, where);
    const spread = others.some(ts.isSpreadElement);
    if (!spread && placesOf(first.text).size !== others.length) found.wrong.push(`${where}: ${call.getText()}`);
  }
}

/** The places for arguments in a sentence: 0, 1, … */
export function placesOf(sentence: string): Set<string> {
  return new Set(Array.from(sentence.matchAll(/\{(\d+)\}/g), ([, index]) => index as string));
}

/** Literal text that an expression may stand for. What is in calls and comparisons is something else. */
function textsIn(node: ts.Node): { node: ts.Node; value: string }[] {
  if (ts.isStringLiteralLike(node)) return [{ node, value: node.text }];
  if (ts.isTemplateExpression(node)) {
    const literal = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('');
    // Icons are named in parentheses: $(gear)
    return [
      { node, value: literal.replace(/\$\([a-z~-]+\)/g, '') },
      ...node.templateSpans.flatMap((span) => textsIn(span.expression)),
    ];
  }
  if (ts.isConditionalExpression(node)) return [...textsIn(node.whenTrue), ...textsIn(node.whenFalse)];
  if (ts.isParenthesizedExpression(node)) return textsIn(node.expression);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return [...textsIn(node.left), ...textsIn(node.right)];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken)
    return textsIn(node.right);
  return [];
}
