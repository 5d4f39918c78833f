import type { Coding, Extension, HumanName, Identifier, Patient } from '@medplum/fhirtypes';
import { nirKey } from '../../src/identity/ins.ts';
import { RELIABILITY } from '../../src/identity/reliability.ts';
import { BIRTH_LIST, BIRTH_PLACE, INSEE_CODE } from '../../src/identity/traits.ts';

/** Invented people for the identity tests, written as short as a table needs. */
export const NIR = 'urn:oid:1.2.250.1.213.1.4.8';
export const NIA = 'urn:oid:1.2.250.1.213.1.4.9';
export const TEST = 'urn:oid:1.2.250.1.213.1.4.10';
export const DEMO = 'urn:oid:1.2.250.1.213.1.4.11';
export const INS_C = 'urn:oid:1.2.250.1.213.1.4.2';
export const BICHAT = 'urn:oid:1.2.250.1.999.1';
export const PITIE = 'urn:oid:1.2.250.1.999.2';

/** A matricule with its right key. */
export function matricule(first13: string): string {
  return first13 + nirKey(first13);
}

export const A = matricule('2800575056123');
export const B = matricule('1750313055042');
export const C = matricule('2540699330451');
export const CORSICA = matricule('280052A004123');

export interface Sketch {
  family?: string;
  given?: string;
  list?: string;
  used?: string;
  born?: string;
  sex?: Patient['gender'];
  place?: string;
  ids?: (string[] | Identifier)[];
  status?: Coding;
}

/** A Patient from a sketch; `ids` are pairs [system, value, use?]. */
export function person(sketch: Sketch, id?: string): Patient {
  const identifier = (sketch.ids ?? []).map((one) => {
    if (!Array.isArray(one)) return one;
    const [system, value, use] = one;
    return { system, value, ...(use ? { use: use as Identifier['use'] } : {}) };
  });
  const list: Extension[] | undefined = sketch.list ? [{ url: BIRTH_LIST, valueString: sketch.list }] : undefined;
  const birth = sketch.family || sketch.given;
  const extension: Extension[] = [];
  if (sketch.status) {
    extension.push({ url: RELIABILITY, extension: [{ url: 'identityStatus', valueCoding: sketch.status }] });
  }
  if (sketch.place) {
    const code = { url: INSEE_CODE, valueCoding: { code: sketch.place } };
    extension.push({ url: BIRTH_PLACE, valueAddress: { extension: [code] } });
  }
  const names: HumanName[] = [
    ...(birth
      ? [
          {
            use: 'official' as const,
            family: sketch.family,
            given: sketch.given ? [sketch.given] : undefined,
            ...(list ? { ...(list ? { extension: list } : {}) } : {}),
          },
        ]
      : []),
    ...(sketch.used ? [{ use: 'usual' as const, family: sketch.used }] : []),
  ];
  return {
    resourceType: 'Patient',
    ...(id ? { id, meta: { versionId: '1' } } : {}),
    ...(identifier.length > 0 ? { identifier } : {}),
    ...(names.length > 0 ? { name: names } : {}),
    ...(sketch.born ? { birthDate: sketch.born } : {}),
    ...(sketch.sex ? { gender: sketch.sex } : {}),
    ...(extension.length > 0 ? { extension } : {}),
  };
}

/** Marie Durand, born 12 May 1980 in Paris: the person most cases vary. */
export const marie: Sketch = {
  family: 'DURAND',
  given: 'MARIE',
  list: 'MARIE LOUISE',
  born: '1980-05-12',
  sex: 'female',
  place: '75056',
};

const paul: Sketch = { family: 'PETIT', given: 'PAUL', born: '1950-01-02', sex: 'male' };
const numbers: Record<string, string> = { A, B, C, corsica: CORSICA };
const authorities: Record<string, [string, string?]> = {
  test: [TEST],
  demo: [DEMO],
  nia: [NIA],
  old: [NIR, 'old'],
  oldnia: [NIA, 'old'],
  insc: [INS_C],
  bichat: [BICHAT],
  pitie: [PITIE],
};

/** Reads the short language of the case table: words that name a person, an identifier or one changed trait. */
export function sketch(text: string): Sketch {
  const words = text.trim().split(/\s+/);
  const base = words.includes('bare') ? {} : words.includes('paul') ? paul : marie;
  const ids = words.flatMap((word) => identifierOf(word) ?? []);
  const said = words.filter((word) => word.includes('=')).map((word) => word.replaceAll('_', ' ').split('='));
  const changes = Object.fromEntries(said.map(([name, value]) => [name, value === '' ? undefined : value]));
  const status = changes.status
    ? { system: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445', code: changes.status }
    : undefined;
  return { ...base, ...changes, status, ids };
}

function identifierOf(word: string): Identifier | undefined {
  if (numbers[word]) return { system: NIR, value: numbers[word] };
  const [kind, value] = word.split(':');
  if (!kind || value === undefined) return undefined;
  const plain = numbers[value] ?? value;
  if (kind === 'bad') return { system: NIR, value: `${plain.slice(0, 13)}00` };
  if (kind === 'grouped')
    return { system: NIR, value: plain.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1 $2 $3 $4 $5 $6 $7') };
  if (kind === 'nosystem') return { value: plain };
  const [system, use] = authorities[kind]!;
  return { system, value: plain, ...(use ? { use: use as Identifier['use'] } : {}) };
}
