import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  identifierOf,
  localAuthority,
  localSystem,
  oidOf,
  systemOfName,
  systemUri,
} from '../../src/formats/systems.ts';

const oid = fc
  .tuple(fc.constantFrom('0', '1', '2'), fc.array(fc.nat().map(String), { minLength: 1, maxLength: 12 }))
  .map(([first, rest]) => [first, ...rest].join('.'));

describe('systems', () => {
  test.each([
    ['2.16.840.1.113883.6.1', 'http://loinc.org'],
    ['2.16.840.1.113883.6.96', 'http://snomed.info/sct'],
    ['2.16.840.1.113883.6.3', 'http://hl7.org/fhir/sid/icd-10'],
    ['1.2.250.1.213.1.4.8', 'urn:oid:1.2.250.1.213.1.4.8'],
    ['B95156E1-B262-40DA-A4BB-3C9C71D19F4F', 'urn:uuid:b95156e1-b262-40da-a4bb-3c9c71d19f4f'],
    ['urn:oid:2.16.840.1.113883.6.1', 'http://loinc.org'],
    ['http://example.org/x', 'http://example.org/x'],
    ['LABO 1', 'http://passerelle.example/fhir/NamingSystem/local/LABO%201'],
    ['__proto__', 'http://passerelle.example/fhir/NamingSystem/local/__proto__'],
  ])('%s is %s', (root, uri) => expect(systemUri(root)).toBe(uri));

  test('property: OID → URI → OID', () => {
    fc.assert(fc.property(oid, (one) => expect(oidOf(systemUri(one))).toBe(one)));
  });
  test('property: a local authority comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) =>
        expect(localAuthority(localSystem(name))).toBe(name.trim().toWellFormed()),
      ),
    );
  });
  test('URIs without an OID', () => {
    expect(oidOf('http://example.org')).toBeUndefined();
    expect(oidOf('urn:oid:nonsense')).toBeUndefined();
    expect(localAuthority('http://loinc.org')).toBeUndefined();
  });
  test('short names', () => {
    expect(systemOfName('ln')).toBe('http://loinc.org');
    expect(systemOfName('constructor')).toBeUndefined();
  });
  test('instance identifiers', () => {
    expect(identifierOf('1.2.3', ' 42 ')).toEqual({ system: 'urn:oid:1.2.3', value: '42' });
    expect(identifierOf('1.2.3')).toEqual({ system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2.3' });
    expect(identifierOf('B95156E1-B262-40DA-A4BB-3C9C71D19F4F')?.value).toMatch(/^urn:uuid:b9/);
    expect(identifierOf(undefined, '42')).toEqual({ value: '42' });
    expect(identifierOf('', '')).toBeUndefined();
  });
});
