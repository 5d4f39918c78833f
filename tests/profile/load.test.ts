import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { sentence } from '../../src/errors.ts';
import { loadProfiles } from '../../src/profile/index.ts';

const folders: string[] = [];

function folderWith(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-profiles-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  return folder;
}

afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

const url = 'http://hopital.example/StructureDefinition/strict';

function profile(element: object[], rest: object = {}): object {
  return {
    resourceType: 'StructureDefinition',
    url,
    name: 'Strict',
    status: 'active',
    fhirVersion: '4.0.1',
    kind: 'resource',
    abstract: false,
    type: 'Patient',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
    derivation: 'constraint',
    differential: { element: [{ id: 'Patient', path: 'Patient' }, ...element] },
    ...rest,
  };
}

const birth = { id: 'Patient.birthDate', path: 'Patient.birthDate', min: 1 };

describe('loading definitions', () => {
  test('makes the snapshot that a definition lacks', () => {
    const { examiner, faults } = loadProfiles([folderWith({ 'a.json': profile([birth]) })]);
    expect(faults).toEqual([]);
    expect(examiner.profiles).toEqual([url]);
    const found = examiner.judge({ resourceType: 'Patient', meta: { profile: [url] } });
    expect(found.map((one) => [one.path, one.rule, one.profile])).toEqual([['Patient', 'min', url]]);
  });

  test('names file and line of what is not JSON, and goes on', () => {
    const folder = folderWith({ 'a.json': '{\n  "resourceType": "ValueSet",\n  oops\n}', 'b.json': profile([birth]) });
    const { examiner, faults } = loadProfiles([folder]);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.code).toBe('profile-unreadable');
    expect(faults[0]?.place).toMatch(/a\.json:3$/);
    expect(examiner.profiles).toEqual([url]);
  });

  test.each<[string, object[], object, string, RegExp]>([
    [
      'an invariant that is no FHIRPath',
      [
        {
          id: 'Patient.name',
          path: 'Patient.name',
          constraint: [{ key: 'n-1', severity: 'error', human: 'x', expression: 'family.exists( and' }],
        },
      ],
      {},
      'Patient.name',
      /n-1 is not FHIRPath/,
    ],
    [
      'an element R4 lacks',
      [{ id: 'Patient.prenom', path: 'Patient.prenom', min: 1 }],
      {},
      'Patient.prenom',
      /no such element/,
    ],
    [
      'a base nobody has',
      [birth],
      { baseDefinition: 'http://hopital.example/StructureDefinition/none' },
      url,
      /not loaded/,
    ],
    ['a base that is itself', [birth], { baseDefinition: url }, '', /circle/],
  ])('reports %s with its file and rule', (_name, element, rest, rule, problem) => {
    const { faults } = loadProfiles([folderWith({ 'a.json': profile(element, rest) })]);
    expect(faults.map((one) => one.code)).toEqual(['profile-broken']);
    expect(faults[0]?.place).toMatch(/a\.json:\d+$/);
    expect(faults[0]?.detail).toMatch(problem);
    if (rule) {
      expect(faults[0]?.rule).toBe(rule);
    }
    expect(sentence(faults[0] as never, 'fr')).toContain('a.json');
  });

  test('says which folder is not there', () => {
    expect(loadProfiles(['/nowhere/profiles']).faults.map((one) => one.code)).toEqual(['profile-folder']);
  });

  test('the line is that of the element', () => {
    const { faults } = loadProfiles([
      folderWith({ 'a.json': profile([birth, { id: 'Patient.prenom', path: 'Patient.prenom' }]) }),
    ]);
    expect(Number(faults[0]?.place?.split(':').at(-1))).toBeGreaterThan(15);
  });

  test('a folder’s value set decides', () => {
    const set = {
      resourceType: 'ValueSet',
      url: 'http://hopital.example/ValueSet/v',
      status: 'active',
      compose: { include: [{ system: 'http://hopital.example/c', concept: [{ code: 'a' }] }] },
    };
    const system = {
      resourceType: 'CodeSystem',
      url: 'http://hopital.example/c',
      status: 'active',
      content: 'complete',
      concept: [{ code: 'a' }, { code: 'b' }],
    };
    const bound = profile([
      {
        id: 'Patient.maritalStatus',
        path: 'Patient.maritalStatus',
        binding: { strength: 'required', valueSet: set.url },
      },
    ]);
    const { examiner } = loadProfiles([folderWith({ 'p.json': bound, 'v.json': set, 'c.json': system })]);
    const judge = (code: string) =>
      examiner
        .judge({
          resourceType: 'Patient',
          meta: { profile: [url] },
          maritalStatus: { coding: [{ system: system.url, code }] },
        })
        .map((one) => `${one.severity} ${one.rule}`);
    expect(judge('a')).toEqual(['warning binding-extensible']);
    expect(judge('b')).toContain('error binding');
    expect(judge('z')).toEqual(expect.arrayContaining(['error code', 'error binding']));
  });
});

describe('answers and their questionnaire', () => {
  const questionnaire = {
    resourceType: 'Questionnaire',
    url: 'http://hopital.example/Questionnaire/q',
    status: 'active',
    item: [
      { linkId: 'fever', type: 'boolean', required: true },
      {
        linkId: 'how',
        type: 'decimal',
        required: true,
        enableWhen: [{ question: 'fever', operator: '=', answerBoolean: true }],
      },
      {
        linkId: 'change',
        type: 'choice',
        answerOption: [{ valueCoding: { system: 'http://hopital.example/c', code: 'better' } }],
      },
      { linkId: 'more', type: 'group', item: [{ linkId: 'note', type: 'string', maxLength: 5 }] },
    ],
  };
  const { examiner } = loadProfiles([folderWith({ 'q.json': questionnaire })]);
  const answers = (item: object[], status = 'completed') =>
    examiner
      .judge({
        resourceType: 'QuestionnaireResponse',
        questionnaire: questionnaire.url,
        status,
        ...(item.length > 0 ? { item } : {}),
      })
      .filter((one) => one.severity === 'error');
  const fever = (value: boolean) => ({ linkId: 'fever', answer: [{ valueBoolean: value }] });

  test.each<[string, object[], number]>([
    ['all is well', [fever(true), { linkId: 'how', answer: [{ valueDecimal: 38.5 }] }], 0],
    ['no fever, nothing more', [fever(false)], 0],
    ['a required answer is missing', [], 1],
    ['the dependent question is missing', [fever(true)], 1],
    ['a question that is not to be asked', [fever(false), { linkId: 'how', answer: [{ valueDecimal: 38.5 }] }], 1],
    ['an answer of another type', [{ linkId: 'fever', answer: [{ valueString: 'oui' }] }], 1],
    ['an unknown linkId', [fever(false), { linkId: 'x' }], 1],
    [
      'another order',
      [
        { linkId: 'change', answer: [{ valueCoding: { system: 'http://hopital.example/c', code: 'better' } }] },
        fever(false),
      ],
      1,
    ],
    [
      'none of the options',
      [
        fever(false),
        { linkId: 'change', answer: [{ valueCoding: { system: 'http://hopital.example/c', code: 'worse' } }] },
      ],
      1,
    ],
    [
      'two answers to one question',
      [{ linkId: 'fever', answer: [{ valueBoolean: false }, { valueBoolean: false }] }],
      1,
    ],
    [
      'a text too long',
      [fever(false), { linkId: 'more', item: [{ linkId: 'note', answer: [{ valueString: 'beaucoup' }] }] }],
      1,
    ],
    ['an answer to a group', [fever(false), { linkId: 'more', answer: [{ valueString: 'x' }] }], 1],
  ])('%s', (_name, item, count) => {
    expect(answers(item)).toHaveLength(count);
  });

  test('answers in progress may be incomplete', () => {
    expect(answers([], 'in-progress')).toEqual([]);
  });
});
