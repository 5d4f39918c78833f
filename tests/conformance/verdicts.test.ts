import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Finding, loadProfiles } from '../../src/profile/index.ts';
import { changed, profileCases } from '../profile/cases.ts';
import { mutants } from '../profile/mutate.ts';
import { type Referee, refereeMissing, startReferee } from './referee.ts';

const root = join(import.meta.dirname, '../..');
const profiles = join(root, 'profiles');
const corpus = join(root, '../shared/corpus/verdicts/vital-signs.json');
const { examiner } = loadProfiles([profiles]);

type Json = Record<string, unknown>;

const errorsOf = (findings: Finding[]) => findings.filter((one) => one.severity === 'error');

/** Where the two judges may differ, each with its reason; anything else that differs is a defect. */
const differences: [reason: string, applies: (own: Finding[], referee: string[]) => boolean][] = [
  [
    'the referee is told to ignore what literal references point at',
    (own) => own.length > 0 && own.every((one) => one.rule === 'target'),
  ],
  [
    'the referee lets empty lists of primitives pass, JSON of FHIR does not',
    (own) => own.length > 0 && own.every((one) => one.rule === 'empty'),
  ],
  [
    'the system of a coding is an absolute URI, the referee asks that of some codings only',
    (own) => own.length > 0 && own.every((one) => one.rule === 'url' && one.path.endsWith('.system')),
  ],
  [
    'Reference.type names a type of resource; the referee takes any word',
    (own) =>
      own.length > 0 &&
      own.every((one) => one.rule === 'target' || (one.rule === 'format' && one.path.endsWith('.type'))),
  ],
  [
    'an item that the Questionnaire does not let repeat stands twice; the referee does not look there',
    (own) => own.length > 0 && own.every((one) => one.rule === 'questionnaire-repeated'),
  ],
  [
    'an answer whose coding names no system is none of the value set asked for; the referee takes its code alone',
    (own, referee) => referee.length === 0 && own.length > 0 && own.every((one) => one.rule === 'questionnaire-option'),
  ],
  [
    'a code of spaces only is no code',
    (own) => own.length > 0 && own.every((one) => one.rule === 'format' && /code$/.test(one.path)),
  ],
  [
    'the referee wants a fullUrl of every entry, R4 leaves it out where a transaction names the place itself',
    (own, referee) => own.length === 0 && referee.every((one) => one.includes('entry missing fullUrl')),
  ],
  [
    'in a Bundle the referee looks for contained resources of implied profiles in the wrong place',
    (own, referee) => own.length === 0 && referee.every((one) => one.includes('ref-1')),
  ],
  [
    'a Range whose ends have units that cannot be compared: the referee lets it pass, the examiner does not take low for lower',
    (own, referee) => referee.length === 0 && own.every((one) => one.rule === 'rng-2'),
  ],
  [
    'the referee offline refuses a required code beside a coding of a system it does not hold',
    (own, referee) => own.length === 0 && referee.every((one) => one.includes('None of the codings provided')),
  ],
];

/** What the comparison of one resource came to. */
interface Comparison {
  name: string;
  agreed: boolean;
  laxer: boolean;
  listed: string | undefined;
  detail: string;
}

async function compare(name: string, resource: unknown, referee: Referee): Promise<Comparison> {
  const own = errorsOf(examiner.judge(resource));
  const other = await referee.errors(resource);
  const agreed = own.length > 0 === other.length > 0;
  const listed = agreed ? undefined : differences.find(([, applies]) => applies(own, other))?.[0];
  const detail = own.length > 0 ? own.map((one) => `${one.path} ${one.rule}`).join('; ') : other.join('; ');
  return { name, agreed, laxer: own.length === 0 && other.length > 0, listed, detail: detail.slice(0, 400) };
}

/** Runs a question over a list, four at a time: the referee answers on every core. */
async function overAll<T, R>(list: T[], ask: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  const rest = list.entries();
  const work = async () => {
    for (const [at, one] of rest) {
      answers[at] = await ask(one);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return answers;
}

function goldenBundles(): [string, Json][] {
  const folder = join(root, 'tests/golden');
  return readdirSync(folder).flatMap((name): [string, Json][] => {
    const file = join(folder, name, 'expected.json');
    const content = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Json) : {};
    const bundle = (content.bundle ?? content) as Json;
    return bundle.resourceType === 'Bundle' ? [[name, bundle]] : [];
  });
}

interface CorpusVerdict {
  name: string;
  resource: Json;
  profile: string | null;
  hl7: 'valid' | 'invalid';
}

const hasCorpus = existsSync(corpus);
if (!hasCorpus) {
  console.warn('SKIPPED: ../shared/corpus/verdicts is not there; the corpus of verdicts was not compared.');
}

(hasCorpus ? describe : describe.skip)('the corpus of verdicts', () => {
  const list = hasCorpus ? (JSON.parse(readFileSync(corpus, 'utf8')) as CorpusVerdict[]) : [];

  test('agrees on at least 98 % and accepts nothing invalid', () => {
    const wrong = list.filter(({ resource, profile, hl7 }) => {
      const errors = errorsOf(examiner.judge(resource, { profiles: profile ? [profile] : [] }));
      return (errors.length > 0 ? 'invalid' : 'valid') !== hl7;
    });
    expect(wrong.filter((one) => one.hl7 === 'invalid').map((one) => one.name)).toEqual([]);
    expect(1 - wrong.length / list.length).toBeGreaterThanOrEqual(0.98);
  });
});

const missing = refereeMissing();
if (missing) {
  console.warn(`SKIPPED: HL7's validator was not asked: ${missing}.`);
}

(missing ? describe.skip : describe)('the examiner and HL7’s validator', () => {
  let referee: Referee;

  beforeAll(async () => {
    referee = await startReferee([profiles]);
  }, 600_000);

  afterAll(() => referee?.stop());

  const compareAll = (resources: [string, Json][]) =>
    overAll(resources, ([name, resource]) => compare(name, resource, referee));

  const unlisted = (list: Comparison[]) => list.filter((one) => !one.agreed && one.listed === undefined);

  test('every definition is valid', async () => {
    const names = readdirSync(profiles).filter((one) => one.endsWith('.json'));
    const answers = await overAll(names, async (name) => {
      const errors = await referee.errors(JSON.parse(readFileSync(join(profiles, name), 'utf8')));
      return errors.length > 0 ? `${name}: ${errors[0]}` : undefined;
    });
    const wrong = answers.filter((one) => one !== undefined);
    expect(wrong).toEqual([]);
  }, 600_000);

  test('agree on every good and bad case of every profile', async () => {
    const resources = profileCases().flatMap(({ id, good, bad }): [string, Json][] => [
      [`${id}: good`, good],
      ...bad.map(({ why, change }): [string, Json] => [`${id}: ${why}`, changed(good, change)]),
    ]);
    expect(unlisted(await compareAll(resources))).toEqual([]);
  }, 600_000);

  test('agree on every golden output', async () => {
    const bundles = goldenBundles();
    const list = await compareAll(bundles);
    expect(unlisted(list)).toEqual([]);
    for (const [name, bundle] of bundles) {
      expect({ name, errors: errorsOf(examiner.judge(bundle)) }).toEqual({ name, errors: [] });
    }
  }, 600_000);

  test('agree on 98 % of seeded mutants, and nothing invalid is accepted', async () => {
    const seed = Number(process.env.SEED ?? 20201103);
    const small = goldenBundles().filter(([, bundle]) => JSON.stringify(bundle).length < 60_000);
    const sources = [
      ...profileCases().map((one) => one.good),
      ...small.flatMap(([, bundle]) => (bundle.entry as { resource: Json }[]).map((one) => one.resource)),
      ...small.map(([, bundle]) => bundle),
    ];
    const list = await compareAll(mutants(seed, sources, 600).map((one) => [one.name, one.resource]));
    expect({ seed, laxer: list.filter((one) => one.laxer && one.listed === undefined) }).toEqual({ seed, laxer: [] });
    expect({ seed, unlisted: unlisted(list) }).toEqual({ seed, unlisted: [] });
    expect(list.filter((one) => one.agreed).length / list.length).toBeGreaterThanOrEqual(0.98);
  }, 900_000);
});

(missing ? describe.skip : describe)('our snapshots and HL7’s', () => {
  let referee: Referee;
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-differentials-'));

  beforeAll(async () => {
    for (const name of readdirSync(profiles).filter((one) => one.endsWith('.json'))) {
      const definition = JSON.parse(readFileSync(join(profiles, name), 'utf8')) as Json;
      delete definition.snapshot;
      writeFileSync(join(folder, name), JSON.stringify(definition));
    }
    referee = await startReferee([folder]);
  }, 600_000);

  afterAll(() => {
    referee?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('lead to the same verdicts on every case', async () => {
    const resources = profileCases().flatMap(({ id, good, bad }): [string, Json][] => [
      [`${id}: good`, good],
      ...bad.map(({ why, change }): [string, Json] => [`${id}: ${why}`, changed(good, change)]),
    ]);
    const list = await overAll(resources, ([name, resource]) => compare(name, resource, referee));
    const wrong = list.filter((one) => !one.agreed && one.listed === undefined);
    expect(wrong).toEqual([]);
  }, 600_000);
});
