/**
 * Which components a value is made of besides its own: who takes over a number takes its authority, its type and its check
 * with it. For the account of what became of every value.
 */
import { type Datatype, datatypesOf } from './dictionary.ts';

/** By datatype and component: the components that went into the same FHIR-ready form. */
const withIt: Record<Datatype, Record<string, string>> = {
  CX: { '1': '2 3 4 5 7 8 9 10' },
  EI: { '1': '2 3 4' },
  HD: { '': '1 2 3', '1': '2 3' },
  XPN: { '1': '8 10 14', '2': '8 10 14' },
  XCN: { '1': '8 9 11 12 13', '2': '8 10' },
  XON: { '10': '2 6 7 9', '3': '2 6 7', '1': '2' },
  XAD: { '1': '2', '3': '10' },
  XTN: { '12': '2 3 8', '4': '2 3', '1': '2 3 8', '7': '2 3 5 6' },
  CWE: { '1': '3 7 14', '4': '6 8 17' },
  PL: { '': '1 2 3 4 5 6 7 8 9', '1': '4 7 8' },
  TS: { '1': '2' },
};

const PLACE = /^([A-Z][A-Z0-9]{2})(\[\d+\])?-(\d+)(\[\d+\])?(?:\.(\d+))?/;

/** The places of the values that went along with the one at this place; also its own sub-components. */
export function tied(place: string): string[] {
  const match = PLACE.exec(place);
  if (!match) return [];
  const [whole, name, occurrence = '', field, repetition = '', component = ''] = match;
  const base = `${name}${occurrence}-${field}${repetition}`;
  const type = datatypesOf(name!)[Number(field)];
  const along = type ? (withIt[type][component] ?? '') : '';
  const places = along === '' ? [] : along.split(' ').map((other) => `${base}.${other}`);
  if (name === 'OBX' && field === '5') places.push(...ofResult(`OBX${occurrence}`, base));
  if (place === whole && component !== '') places.push(...subcomponents(place));
  return places.flatMap((one) => [one, ...subcomponents(one)]);
}

/** A result is its type, its unit and its components; what it is a result of and that it is final goes with it. */
function ofResult(segment: string, value: string): string[] {
  const name = ['', '.1', '.2', '.3'].map((component) => `${segment}-3${component}`);
  const components = [1, 2, 3, 4, 5, 6].map((number) => `${value}.${number}`);
  const unit = ['', '.1', '.2', '.3'].map((component) => `${segment}-6${component}`);
  return [...name, value, ...components, ...unit, `${segment}-2`, `${segment}-11`];
}

function subcomponents(component: string): string[] {
  return ['2', '3', '4'].map((number) => `${component}.${number}`);
}
