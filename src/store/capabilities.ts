import type { CapabilityStatement, CapabilityStatementRestResource } from '@medplum/fhirtypes';
import type { Parameters } from './parameters.ts';

/** What the CapabilityStatement says that the store cannot know by itself. */
export interface CapabilityDetails {
  /** Base URL of the FHIR API as clients reach it. */
  url?: string;
  /** Version of the software. */
  version?: string;
  /** Canonicals of profiles the gateway judges resources by. */
  profiles?: { type: string; url: string }[];
  /** Security as the house has it (SMART on FHIR), put into `rest.security`. */
  security?: object;
  /** Operations the house answers in front of the server, by type. */
  operations?: { type: string; name: string; definition: string }[];
  /** `$validate` is offered. */
  validates: boolean;
}

/** Since then nothing it says has changed. */
const STARTED = new Date().toISOString();

const INTERACTIONS = [
  'read',
  'vread',
  'update',
  'patch',
  'delete',
  'history-instance',
  'history-type',
  'create',
  'search-type',
] as const;

/** What the store really does, generated from its own tables. https://hl7.org/fhir/R4/capabilitystatement.html */
export function capabilityStatement(parameters: Parameters, details: CapabilityDetails): CapabilityStatement {
  const types = [...parameters.types];
  return {
    resourceType: 'CapabilityStatement',
    id: 'passerelle',
    name: 'Passerelle',
    title: 'Passerelle FHIR R4 API',
    status: 'active',
    date: STARTED,
    kind: 'instance',
    software: { name: 'passerelle', ...(details.version ? { version: details.version } : {}) },
    implementation: { description: 'Passerelle, FHIR R4', ...(details.url ? { url: details.url } : {}) },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/fhir+xml', 'json', 'xml'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [
      {
        mode: 'server',
        ...(details.security ? { security: details.security as never } : {}),
        resource: types.map((type) => describe(type, parameters, details)),
        interaction: [{ code: 'transaction' }, { code: 'batch' }, { code: 'history-system' }],
      },
    ],
  };
}

function describe(type: string, parameters: Parameters, details: CapabilityDetails): CapabilityStatementRestResource {
  const own = [...parameters.of(type).values()];
  const profiles = details.profiles?.filter((one) => one.type === type).map((one) => one.url);
  const operations = [
    ...(type === 'Patient' ? [['everything', 'http://hl7.org/fhir/OperationDefinition/Patient-everything']] : []),
    ...(details.operations ?? []).filter((one) => one.type === type).map((one) => [one.name, one.definition]),
    ...(details.validates ? [['validate', 'http://hl7.org/fhir/OperationDefinition/Resource-validate']] : []),
  ];
  const includes = own.filter((one) => one.type === 'reference').map((one) => `${type}:${one.code}`);
  const searched = type === 'Binary' ? [] : own;
  return {
    type: type as CapabilityStatementRestResource['type'],
    ...(profiles?.length ? { supportedProfile: profiles } : {}),
    interaction: INTERACTIONS.map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete: 'single',
    referencePolicy: ['literal', 'local', 'logical'],
    ...(includes.length ? { searchInclude: includes } : {}),
    searchRevInclude: reverse(type, parameters),
    searchParam: [
      { name: '_id', type: 'token', definition: 'http://hl7.org/fhir/SearchParameter/Resource-id' },
      { name: '_lastUpdated', type: 'date', definition: 'http://hl7.org/fhir/SearchParameter/Resource-lastUpdated' },
      ...searched.map(({ code, type: kind, definition }) => ({ name: code, type: kind, definition })),
    ],
    ...(operations.length
      ? { operation: operations.map(([name, definition]) => ({ name: name!, definition: definition! })) }
      : {}),
  };
}

const reverseCache = new WeakMap<Parameters, Map<string, string[]>>();

/** Parameters whose references may point to a type; those that may point anywhere are not listed for each. */
function reverse(type: string, parameters: Parameters): string[] {
  let table = reverseCache.get(parameters);
  if (!table) {
    table = new Map();
    for (const from of parameters.types) {
      for (const { code, targets } of parameters.of(from).values()) {
        for (const target of targets) table.set(target, [...(table.get(target) ?? []), `${from}:${code}`]);
      }
    }
    reverseCache.set(parameters, table);
  }
  return table.get(type) ?? [];
}
