import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';

const src = fileURLToPath(new URL('../src', import.meta.url));

/**
 * Who may know whom, room by room (a room is a folder of `src/`, a file beside them, or both of one name). Adapters know
 * the row `adapters/*` and their own folder. A new room needs a row here, and a line in ARCHITECTURE.md that says why.
 */
const mayKnow: Record<string, string[]> = {
  main: ['cli'],
  cli: [
    'access',
    'adapter',
    'config',
    'conversion',
    'errors',
    'formats',
    'gateway',
    'journal',
    'log',
    'mapping',
    'message',
    'pathway',
    'pipeline',
    'profile',
    'store',
    'version',
    'web',
  ],
  gateway: [
    'access',
    'adapter',
    'config',
    'conversion',
    'doors',
    'errors',
    'fhir-pages',
    'folder',
    'formats',
    'identity',
    'journal',
    'log',
    'mapping',
    'message',
    'pathway',
    'pipeline',
    'profile',
    'seed',
    'store',
    'version',
    'web',
  ],
  pipeline: [
    'adapter',
    'conversion',
    'errors',
    'fhir-pages',
    'formats',
    'identity',
    'journal',
    'log',
    'mapping',
    'message',
    'pathway',
    'profile',
    'seed',
  ],
  doors: ['adapter', 'config', 'errors'],
  web: ['access', 'adapter', 'config', 'errors', 'formats', 'journal', 'log', 'message'],
  access: ['adapter', 'config', 'errors', 'fhir-pages', 'folder', 'message', 'proven', 'wal-sync'],
  store: ['adapter', 'config', 'errors', 'fhir-pages', 'folder', 'formats', 'seed', 'wal-sync'],
  journal: ['adapter', 'conversion', 'errors', 'folder', 'message', 'wal-sync'],
  formats: ['conversion', 'errors', 'message', 'seed'],
  mapping: ['conversion', 'errors', 'formats', 'message', 'proven', 'seed'],
  profile: ['conversion', 'errors', 'formats', 'proven'],
  identity: ['adapter', 'conversion', 'errors', 'fhir-pages', 'formats', 'message', 'seed'],
  pathway: ['adapter', 'conversion', 'errors', 'fhir-pages', 'formats', 'proven', 'seed'],
  'adapters/*': ['adapter', 'conversion', 'errors', 'formats', 'log', 'message'],
  'fhir-pages': ['adapter', 'errors'],
  adapter: ['conversion', 'errors', 'formats', 'message'],
  conversion: ['errors', 'message'],
  message: ['errors'],
  config: ['errors'],
  log: ['errors'],
  folder: ['errors'],
  errors: [],
  proven: [],
  seed: [],
  version: [],
  'wal-sync': [],
};

/** Rooms that take values and give values. Only their loaders read files; nothing in them talks to anybody. */
const pure = ['formats', 'mapping', 'profile', 'identity', 'pathway', 'pipeline'];
const loaders = ['mapping/load.ts', 'pathway/load.ts', 'profile/index.ts', 'profile/r4/table.ts'];
const io =
  /^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|net|readline|sqlite|tls|worker_threads)(\/|$)/;

interface Source {
  file: string;
  lines: number;
  /** Imports as written, with the file of `src/` each names, if it does. */
  imports: { name: string; file?: string }[];
  usesProcess: boolean;
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(file.replaceAll('\\', '/')));

function read(file: string): Source {
  const text = readFileSync(join(src, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const names: string[] = [];
  let usesProcess = false;
  let declared = false;
  const visit = (node: ts.Node): void => {
    const name = importedBy(node);
    if (name !== undefined) names.push(name);
    if (ts.isIdentifier(node) && node.text === 'process' && !isProperty(node)) {
      if (isDeclaration(node)) declared = true;
      else usesProcess = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  // A file with a `process` of its own means that one.
  if (declared) usesProcess = false;
  const imports = names.map((name) => {
    const target = name.startsWith('.')
      ? relative(src, join(src, dirname(file), name)).replaceAll('\\', '/')
      : undefined;
    return { name, ...(target?.endsWith('.ts') ? { file: target } : {}) };
  });
  return { file, lines: text.split('\n').length - 1, imports, usesProcess };
}

/** What a node imports: statements (types too), `import('…')` as an expression, also behind `as`, and as a type. */
function importedBy(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal);
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return undefined;
  const [argument] = node.arguments;
  return literal(argument && ts.isAsExpression(argument) ? argument.expression : argument);
}

function literal(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** `x.process`, `{ process: … }`: a name, not the global. */
function isProperty(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent);
}

function isDeclaration({ parent }: ts.Identifier): boolean {
  return ts.isBindingElement(parent) || ts.isParameter(parent) || ts.isVariableDeclaration(parent);
}

/** `adapters/mllp`, `config`, `main`. */
function roomOf(file: string): string {
  const [first = '', second] = file.split('/');
  return first === 'adapters' ? `adapters/${second}` : first.replace(/\.ts$/, '');
}

test('there are sources to look at', () => {
  expect(sources.length).toBeGreaterThan(50);
});

test('every room has its row, and knows only whom it may know', () => {
  const wrong = sources.flatMap(({ file, imports }) => {
    const room = roomOf(file);
    const known = mayKnow[room.startsWith('adapters/') ? 'adapters/*' : room];
    if (!known) return [`${file}: the room ${room} has no row`];
    const others = imports
      .flatMap((one) => (one.file === undefined ? [] : roomOf(one.file)))
      .filter((one) => one !== room);
    return others.filter((one) => !known.includes(one)).map((one) => `${file} knows ${one}`);
  });
  expect(wrong).toEqual([]);
});

test('nothing knows an adapter', () => {
  const wrong = sources.filter(({ file, imports }) =>
    imports.some((one) => one.file?.startsWith('adapters/') && roomOf(one.file) !== roomOf(file)),
  );
  expect(wrong.map((one) => one.file)).toEqual([]);
});

test('imports name files of src, packages or node: modules, and exist', () => {
  const files = new Set(sources.map((one) => one.file));
  const wrong = sources.flatMap(({ file, imports }) =>
    imports
      .filter(
        (one) =>
          (one.file !== undefined && !files.has(one.file)) ||
          (one.file === undefined && /^\.\.?\/.*[^n]$/.test(one.name)),
      )
      .map((one) => `${file}: ${one.name}`),
  );
  expect(wrong).toEqual([]);
});

test('no import cycle, types included', () => {
  const targets = new Map(sources.map(({ file, imports }) => [file, imports.flatMap((one) => one.file ?? [])]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file) || path.includes(file)) return;
    for (const next of targets.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) walk(file, []);
  expect(cycles).toEqual([]);
});

test('decoding, mapping, validating and deciding touch neither disk nor network', () => {
  const wrong = sources
    .filter(({ file }) => pure.includes(roomOf(file)))
    .flatMap(({ file, imports }) => imports.filter((one) => io.test(one.name)).map((one) => `${file}: ${one.name}`))
    .filter((one) => !loaders.some((loader) => one === `${loader}: node:fs`));
  expect(wrong).toEqual([]);
});

test('only src/main.ts touches the process', () => {
  const wrong = sources.filter(
    (one) => one.usesProcess || one.imports.some(({ name }) => /^(node:)?process$/.test(name)),
  );
  expect(wrong.map((one) => one.file)).toEqual(['main.ts']);
});

describe('sizes and names', () => {
  test('no file is longer than 300 lines', () => {
    expect(sources.filter((one) => one.lines > 300).map((one) => `${one.file}: ${one.lines}`)).toEqual([]);
  });

  test('no file is a drawer for everything', () => {
    expect(
      sources
        .map((one) => one.file)
        .filter((file) => /(^|\/)(utils?|helpers?|common|misc|manager)(\.ts|\/)/i.test(file)),
    ).toEqual([]);
  });

  test('no file leaves work behind', () => {
    const mark = new RegExp(`\\b(${['TO', 'DO'].join('')}|FIX${'ME'})\\b`);
    expect(sources.map((one) => one.file).filter((file) => mark.test(readFileSync(join(src, file), 'utf8')))).toEqual(
      [],
    );
  });
});
