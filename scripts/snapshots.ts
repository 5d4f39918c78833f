/**
 * Makes the snapshots of `profiles/StructureDefinition-*.json` anew from their differentials.
 *
 *     node scripts/snapshots.ts            writes the files
 *     node scripts/snapshots.ts --check    exit 1 when a snapshot is not what its differential says
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import { DefinitionStore } from '../src/profile/store.ts';

const folder = new URL('../profiles/', import.meta.url);
const files = readdirSync(folder).filter((name) => /^StructureDefinition-.*\.json$/.test(name));
const definitions = files.map((name) => ({
  name,
  text: readFileSync(new URL(name, folder), 'utf8'),
}));

const store = new DefinitionStore();
const parsed = definitions.map((one) => ({ ...one, resource: JSON.parse(one.text) as StructureDefinition }));
for (const { resource } of parsed) {
  store.add({ ...resource, snapshot: undefined });
}

/** Every element needs a definition (sdf-3); those the differential is silent on say where they come from. */
function described(element: ElementDefinition, definition: StructureDefinition): ElementDefinition {
  const own = definition.differential?.element?.find((one) => one.id === element.id);
  return {
    ...element,
    definition: own?.definition ?? own?.short ?? element.definition ?? `R4: ${element.base?.path ?? element.path}`,
  };
}

/** The differential in the order of the snapshot, as it has to be. */
function sorted(definition: StructureDefinition, element: ElementDefinition[]): StructureDefinition['differential'] {
  const places = new Map(element.map((one, at) => [one.id, at]));
  const place = (one: ElementDefinition) => places.get(one.id) ?? Number.MAX_SAFE_INTEGER;
  const list = [...(definition.differential?.element ?? [])];
  return { element: list.sort((left, right) => place(left) - place(right)) };
}

/** An indented file whose elements stand on one line each, so that a change of one element is a change of one line. */
function print(definition: StructureDefinition): string {
  const { differential, snapshot, ...head } = definition;
  const lines = (elements: ElementDefinition[] | undefined) =>
    (elements ?? []).map((one) => `      ${JSON.stringify(one)}`).join(',\n');
  const start = JSON.stringify(head, null, 2).replace(/\n}$/, '');
  return `${start},
  "snapshot": {
    "element": [
${lines(snapshot?.element)}
    ]
  },
  "differential": {
    "element": [
${lines(differential?.element)}
    ]
  }
}
`;
}

let stale = 0;
for (const { name, text, resource } of parsed) {
  const definition = store.find(resource.url ?? '');
  if (!definition) {
    continue;
  }
  const element = store.snapshot(definition.url).map((one) => described(one, resource));
  const { snapshot: _old, ...head } = resource;
  const made = print({
    ...head,
    snapshot: { element },
    differential: sorted(resource, element),
  } as StructureDefinition);
  if (made !== text) {
    stale++;
    if (!process.argv.includes('--check')) {
      writeFileSync(new URL(name, folder), made);
    }
  }
}
process.stdout.write(
  `${parsed.length} definitions, ${stale} ${process.argv.includes('--check') ? 'stale' : 'written'}\n`,
);
process.exitCode = stale > 0 && process.argv.includes('--check') ? 1 : 0;
