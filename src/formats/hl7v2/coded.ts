/** Coded values: CE, CWE, CNE, IS and ID. */
import { isOid, localSystem, systemOfName, systemUri } from '../systems.ts';
import type { Coded, Component, Repetition } from './tree.ts';

const V2_TABLES = 'http://terminology.hl7.org/CodeSystem/v2-';

/** The names French documents give to tables in place of an OID. */
const tables: Record<string, string> = {
  TRE_A05: '1.2.250.1.213.1.1.4.12',
  TA_ASIP: '1.2.250.1.213.1.1.4.322',
  BIOLOINC: '2.16.840.1.113883.6.1',
  L: '',
};

/**
 * URI of a coding system as component 3 or 6 names it: table 0396 (`LN`, `HL70136`, `ISO+`), an OID, or a sender's own name.
 * `version` and OID components (CWE.14, CWE.17) win when they are there.
 */
export function codingSystem(name: string | undefined, oid?: string): string | undefined {
  if (oid && isOid(oid)) return systemUri(oid);
  if (!name) return undefined;
  const known = systemOfName(name);
  if (known) return known;
  const table = /^HL7-?(\d{4})$/i.exec(name);
  if (table) return `${V2_TABLES}${table[1]}`;
  if (Object.hasOwn(tables, name)) return tables[name] ? systemUri(tables[name]!) : undefined;
  return isOid(name) || /^(urn:|https?:)/i.test(name) ? systemUri(name) : localSystem(name);
}

const NULL = '""';
const said = (component: Component | undefined): string | undefined => {
  const text = component?.s1?.trim();
  return text === '' || text === NULL ? undefined : text;
};

/** A coded value; a field with text and no code is its `text`. */
export function codedOf(value: Repetition): Coded | undefined {
  const [code, display, original] = [said(value.c1), said(value.c2), said(value.c9)];
  const form: Coded = {};
  if (code) {
    const system = codingSystem(said(value.c3), said(value.c14));
    if (system) form.system = system;
    form.code = code;
  }
  if (display) form.display = display;
  const text = original ?? (code ? undefined : display);
  if (text) form.text = text;
  const alternate = said(value.c4);
  if (alternate) {
    const system = codingSystem(said(value.c6), said(value.c17));
    const label = said(value.c5);
    form.translations = [{ ...(system ? { system } : {}), code: alternate, ...(label ? { display: label } : {}) }];
  }
  return form.code || form.text || form.translations ? form : undefined;
}
