import type { ElementDefinitionType } from '@medplum/fhirtypes';

/** One element of an R4 type; short keys because thousands of them are read at start. */
export interface ElementRow {
  /** Path below the type, `component.code`. */
  p: string;
  /** Minimum, when above 0. */
  n?: number;
  /** Maximum, when not `1`. */
  x?: string;
  /** Types, packed: `string`, `Reference(Patient|Group)`, `Quantity[SimpleQuantity]`, `@string` for System.String. */
  t?: string[];
  /** Path of the element whose content this one shares, `Bundle.link`. */
  r?: string;
  /** Binding: `strength|value set`. */
  b?: string;
  /** Largest value set allowed (`elementdefinition-maxValueSet`). */
  l?: string;
  /** Keys of rules beside `ele-1` and `ext-1`. */
  c?: string[];
  /** Modifier element. */
  m?: 1;
  /** Summary element. */
  s?: 1;
}

/** One R4 type: what it adds to its base type. */
export interface TypeRow {
  base?: string;
  kind: 'resource' | 'complex-type';
  abstract?: 1;
  c?: string[];
  e: ElementRow[];
}

const core = 'http://hl7.org/fhir/StructureDefinition/';
const system = 'http://hl7.org/fhirpath/System.';

function short(url: string): string {
  return url.startsWith(core) ? url.slice(core.length) : url;
}

function long(name: string): string {
  return name.includes(':') ? name : core + name;
}

/** Packs a type of an element definition into one word. */
export function packType(type: ElementDefinitionType): string {
  const code = type.code ?? '';
  if (code.startsWith(system)) {
    const fhirType = type.extension?.find((one) => one.url?.endsWith('fhir-type'))?.valueUrl ?? 'string';
    return `@${fhirType}`;
  }
  const profiles = type.profile ? `[${type.profile.map(short).join('|')}]` : '';
  const targets = type.targetProfile ? `(${type.targetProfile.map(short).join('|')})` : '';
  return code + profiles + targets;
}

/** Unpacks what `packType` packed. */
export function unpackType(packed: string): ElementDefinitionType {
  if (packed.startsWith('@')) {
    return {
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type', valueUrl: packed.slice(1) },
      ],
      code: `${system}String` as ElementDefinitionType['code'],
    };
  }
  const [, code, profiles, targets] = /^([^[(]+)(?:\[(.*)\])?(?:\((.*)\))?$/.exec(packed) ?? [];
  return {
    code: code as ElementDefinitionType['code'],
    ...(profiles ? { profile: profiles.split('|').map(long) } : {}),
    ...(targets ? { targetProfile: targets.split('|').map(long) } : {}),
  };
}
