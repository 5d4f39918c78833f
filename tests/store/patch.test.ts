import { describe, expect, test } from '@jest/globals';
import type { DocumentReference, Parameters, ParametersParameter, Resource } from '@medplum/fhirtypes';
import { PasserelleError } from '../../src/errors.ts';
import { Parameters as SearchParameters } from '../../src/store/parameters.ts';
import { applyTo } from '../../src/store/patch.ts';

new SearchParameters();
const ARCHIVED = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived';

const document: DocumentReference & { id: string } = {
  resourceType: 'DocumentReference',
  id: 'd1',
  status: 'current',
  securityLabel: [{ text: 'N' }, { text: 'R' }],
  extension: [{ url: ARCHIVED, valueBoolean: false }],
  content: [{ attachment: { title: 'Compte rendu' } }],
};

function operation(type: string, path: string, rest: ParametersParameter[] = []): Parameters {
  const part = [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...rest];
  return { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] };
}

const patched = (patch: unknown) => applyTo(document, patch) as DocumentReference;

function refusal(patch: unknown, resource: Resource = document): string {
  try {
    applyTo(resource, patch);
  } catch (error) {
    if (error instanceof PasserelleError) return error.faults[0]!.code;
    throw error;
  }
  return 'applied';
}

describe('FHIRPath Patch', () => {
  test('replaces a value, whatever the order of the parts', () => {
    expect(
      patched(operation('replace', 'DocumentReference.status', [{ name: 'value', valueCode: 'superseded' }])).status,
    ).toBe('superseded');
    expect(document.status).toBe('current');
  });

  test('replaces inside a slice found by its url', () => {
    const path = `DocumentReference.extension.where(url='${ARCHIVED}').value`;
    const result = patched(operation('replace', path, [{ name: 'value', valueBoolean: true }]));
    expect(result.extension).toEqual([{ url: ARCHIVED, valueBoolean: true }]);
  });

  test('adds to a list that is there, and begins one that is not', () => {
    const label = { text: 'V' };
    const value = { name: 'value', valueCodeableConcept: label };
    const name = { name: 'name', valueString: 'securityLabel' };
    expect(patched(operation('add', 'DocumentReference', [name, value])).securityLabel).toHaveLength(3);
    const bare = applyTo(
      { ...document, securityLabel: undefined } as Resource,
      operation('add', 'DocumentReference', [name, value]),
    );
    expect((bare as DocumentReference).securityLabel).toEqual([label]);
  });

  test('adds an extension spelled out in parts', () => {
    const value = {
      name: 'value',
      part: [
        { name: 'url', valueUri: 'urn:x' },
        { name: 'value', valueCode: 'a' },
      ],
    };
    const result = patched(operation('add', 'DocumentReference', [{ name: 'name', valueString: 'extension' }, value]));
    expect(result.extension![1]).toEqual({ url: 'urn:x', valueCode: 'a' });
  });

  test('adds a choice under the name of its type', () => {
    const observation: Resource = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
    const result = applyTo(
      observation,
      operation('add', 'Observation', [
        { name: 'name', valueString: 'value' },
        { name: 'value', valueString: 'oui' },
      ]),
    );
    expect(result).toMatchObject({ valueString: 'oui' });
  });

  test('inserts, moves and deletes in a list', () => {
    const value = { name: 'value', valueCodeableConcept: { text: 'V' } };
    const inserted = patched(
      operation('insert', 'DocumentReference.securityLabel', [{ name: 'index', valueInteger: 1 }, value]),
    );
    expect(inserted.securityLabel!.map((one) => one.text)).toEqual(['N', 'V', 'R']);
    const ends = [
      { name: 'source', valueInteger: 0 },
      { name: 'destination', valueInteger: 1 },
    ];
    expect(patched(operation('move', 'DocumentReference.securityLabel', ends)).securityLabel![0]!.text).toBe('R');
    expect(patched(operation('delete', 'DocumentReference.securityLabel[0]')).securityLabel).toEqual([{ text: 'R' }]);
  });

  test('a list that loses its last element is gone', () => {
    expect(patched(operation('delete', `DocumentReference.extension('${ARCHIVED}')`)).extension).toBeUndefined();
    expect(patched(operation('delete', 'DocumentReference.description')).id).toBe('d1');
  });

  test.each([
    [
      'a path that leads nowhere',
      operation('replace', 'DocumentReference.description', [{ name: 'value', valueString: 'x' }]),
    ],
    ['a path that leads to several', operation('delete', 'DocumentReference.securityLabel')],
    [
      'an element R4 does not have',
      operation('replace', 'DocumentReference.archived', [{ name: 'value', valueString: 'x' }]),
    ],
    ['an unknown type of operation', operation('erase', 'DocumentReference.status')],
    ['no value', operation('replace', 'DocumentReference.status')],
    [
      'an index outside the list',
      operation('insert', 'DocumentReference.securityLabel', [
        { name: 'index', valueInteger: 9 },
        { name: 'value', valueString: 'x' },
      ]),
    ],
    ['another id', operation('replace', 'DocumentReference.id', [{ name: 'value', valueId: 'd2' }])],
  ])('refuses %s', (_, patch) => {
    expect(refusal(patch)).toBe('patch-failed');
  });
});

describe('JSON Patch', () => {
  test('adds, replaces, removes and tests', () => {
    const result = patched([
      { op: 'test', path: '/status', value: 'current' },
      { op: 'replace', path: '/status', value: 'superseded' },
      { op: 'add', path: '/securityLabel/-', value: { text: 'V' } },
      { op: 'remove', path: '/extension/0' },
    ]);
    expect(result.status).toBe('superseded');
    expect(result.securityLabel).toHaveLength(3);
    expect(result.extension).toBeUndefined();
  });

  test.each([
    ['a test that does not hold', [{ op: 'test', path: '/status', value: 'superseded' }]],
    ['a path that leads nowhere', [{ op: 'replace', path: '/nothing/here', value: 1 }]],
    ['a path into the prototype', [{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
    ['a path into a constructor', [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }]],
    ['an unknown operation', [{ op: 'erase', path: '/status' }]],
    ['something that is no operation', [null]],
    ['the whole resource', [{ op: 'replace', path: '', value: {} }]],
  ])('refuses %s', (_, patch) => {
    expect(refusal(patch)).toBe('patch-failed');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each([[undefined], ['text'], [{ resourceType: 'Patient' }]])('%p is no patch', (patch) => {
    expect(refusal(patch)).toBe('fhir-request-invalid');
  });
});
