import { elementsOf as fhirElements } from '../formats/fhir/elements.ts';

/** One element of a type that a map can write. */
export interface ElementSpec {
  name: string;
  /** A FHIR type, a backbone path (`Patient.contact`), or a pseudo type (`#Entry`). */
  type: string;
  list: boolean;
}

type TypeTable = ReadonlyMap<string, ElementSpec>;

/** What a conversion collects besides FHIR: shapes of `src/conversion.ts`. */
const pseudo: Record<string, string> = {
  '#Bundle': 'entry:#Entry* warning:string* error:string*',
  '#Entry': 'resource:Resource key:string write:code subject:boolean identity:Identifier kept:#Any*',
  '#Intents': 'intent:#Intent*',
  '#Intent':
    'kind:code document:Identifier by:#Any place:string persons:Identifier* organizations:Identifier* survivor:Identifier* retired:Identifier* type:code identifier:Identifier',
  '#Orders':
    'event:code request:#Request dmp:boolean mssProfessional:boolean mssPatient:boolean closePatientExchange:boolean ' +
    'hiddenFromProfessionals:boolean hiddenFromPatient:boolean hiddenFromRepresentatives:boolean secretConnection:boolean modifyConfidentiality:boolean ' +
    'acknowledgeReception:boolean acknowledgeReading:boolean sender:#Party recipients:#Party* replyTo:#Party ' +
    'bodyProfessional:string bodyPatient:string',
  '#Request': 'controlId:string application:string facility:string type:string',
  '#Party': 'person:#PartyPerson organization:#PartyOrganization mail:string',
  '#PartyPerson': 'identifier:Identifier family:string given:string',
  '#PartyOrganization': 'identifier:Identifier name:string',
};

const tables = new Map<string, TypeTable>();

/**
 * The elements of a type by name, those of FHIR R4 and the extensions of its primitives (`_birthDate`); undefined when there
 * is no such type. Choice elements are there by their full names.
 */
export function elementsOf(type: string): TypeTable | undefined {
  const known = tables.get(type);
  if (known) return known;
  const table = Object.hasOwn(pseudo, type) ? pseudoTable(pseudo[type]!) : fhirTable(type);
  if (table) tables.set(type, table);
  return table;
}

function pseudoTable(text: string): TypeTable {
  return new Map(
    text.split(' ').map((item) => {
      const [name, rest] = item.split(':') as [string, string];
      return [name, { name, type: rest.replace('*', ''), list: rest.endsWith('*') }];
    }),
  );
}

function fhirTable(type: string): TypeTable | undefined {
  const elements = fhirElements(type);
  if (!elements) return undefined;
  const table = new Map<string, ElementSpec>();
  for (const [name, { type, list }] of elements) {
    table.set(name, { name, type, list });
    if (isPrimitive(type)) table.set(`_${name}`, { name: `_${name}`, type: 'Element', list });
  }
  return table;
}

/** True for FHIR's primitive types: they begin with a small letter. */
export function isPrimitive(type: string): boolean {
  const first = type.charCodeAt(0);
  return first >= 97 && first <= 122;
}

/** True when resources of this type exist. */
export { isResourceType } from '../formats/fhir/elements.ts';
