import type { CodeableConcept, Coding, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import type { Request } from 'express';
import { fault, PasserelleError } from '../errors.ts';
import { readResource } from './content.ts';

/** Values of an operation by name, from the query or from a Parameters resource. */
export type Given = Map<string, (string | Coding | CodeableConcept | boolean | number)[]>;

/** The parameters of a request: its query, and those of a posted Parameters resource, JSON or XML. */
export function givenIn(request: Request): Given {
  const given: Given = new Map();
  const add = (name: string, value: unknown) => {
    if (value !== undefined) given.set(name, [...(given.get(name) ?? []), value as string]);
  };
  for (const [name, value] of new URLSearchParams(request.url.split('?')[1] ?? '')) add(name, value);
  if (request.method !== 'POST') return given;
  const body = readResource(request.body as Buffer);
  if (body?.resourceType !== 'Parameters') throw wrong('body', 'Parameters');
  for (const { name, ...value } of (body as Parameters).parameter ?? []) {
    const key = Object.keys(value).find((one) => one.startsWith('value'));
    if (key) add(name, (value as Record<string, unknown>)[key]);
  }
  return given;
}

/** The fault of a parameter that is missing or of another shape; `expected` is shown to the asker. */
export function wrong(name: string, expected: string): PasserelleError {
  return new PasserelleError(fault('parameter-invalid', { params: { name, expected } }));
}

/** The fault of a code system, value set or map that is not here; what cannot be an address is not repeated. */
export function unknown(what: string): PasserelleError {
  const shown = what.length <= 200 && !/[\s<>]/.test(what) ? what : '(unreadable)';
  return new PasserelleError(fault('terminology-unknown', { params: { what: shown } }));
}

/** The one text of a parameter; undefined when it is not there. */
export function textOf(given: Given, name: string): string | undefined {
  const [value] = given.get(name) ?? [];
  return value === undefined || typeof value === 'object' ? undefined : String(value);
}

/** The codings asked about: `coding`, those of `codeableConcept`, or `code` with its system. */
export function codingsOf(given: Given, system: string | undefined): Coding[] {
  const [coding] = given.get('coding') ?? [];
  if (coding && typeof coding === 'object') return [coding as Coding];
  const [concept] = given.get('codeableConcept') ?? [];
  if (concept && typeof concept === 'object') return (concept as CodeableConcept).coding ?? [];
  const code = textOf(given, 'code') ?? (typeof coding === 'string' ? afterBar(coding) : undefined);
  if (code === undefined) throw wrong('code', 'code, coding, codeableConcept');
  return [{ code, system: typeof coding === 'string' ? beforeBar(coding) : system }];
}

/** In a query a coding is written `system|code`. */
function beforeBar(value: string): string | undefined {
  const at = value.lastIndexOf('|');
  return at < 0 ? undefined : value.slice(0, at);
}

function afterBar(value: string): string {
  return value.slice(value.lastIndexOf('|') + 1);
}

/** A whole number not above `most`. */
export function whole(given: Given, name: string, otherwise: number, most: number): number {
  const text = textOf(given, name);
  if (text === undefined) return otherwise;
  if (!/^\d{1,7}$/.test(text) || Number(text) > most) throw wrong(name, `0–${most}`);
  return Number(text);
}

/** One parameter to come: its name, and its `value[x]`, resource or parts. */
export type Part = [name: string, value: Partial<ParametersParameter>];

/** Parameters with those parts whose value is there. */
export function parameters(list: Part[]): Parameters {
  return { resourceType: 'Parameters', parameter: parts(list) };
}

/** Parameters and parts of parameters, without those that have no value. */
export function parts(list: Part[]): ParametersParameter[] {
  return list
    .filter(([, value]) => Object.values(value).some((one) => one !== undefined))
    .map(([name, value]) => ({ name, ...value }));
}
