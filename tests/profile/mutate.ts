/**
 * Breaks resources in ways senders break them, the same ways for the same seed: a removed element, a wrong type, code,
 * unit, slice or cardinality, a broken invariant. A mutant may still be valid; two judges must then agree that it is.
 */

type Json = Record<string, unknown>;
type Container = Record<string | number, unknown>;

export interface Mutant {
  /** Kind and place of the change. */
  name: string;
  resource: Json;
}

/** A small generator of numbers from 0 to 1 (mulberry32), so that a seed names a run. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Place {
  holder: Container;
  key: string | number;
  path: string;
  value: unknown;
}

/** Every property and item of a tree, those of contained narratives left out. */
function places(value: unknown, path: string, into: Place[]): Place[] {
  if (Array.isArray(value)) {
    for (const [key, item] of value.entries()) {
      into.push({ holder: value as unknown as Container, key, path: `${path}[${key}]`, value: item });
      places(item, `${path}[${key}]`, into);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key !== 'resourceType') {
        into.push({ holder: value as Container, key, path: `${path}.${key}`, value: item });
        places(item, `${path}.${key}`, into);
      }
    }
  }
  return into;
}

type Mutation = (places: Place[], pick: <T>(list: T[]) => T | undefined, root: Json) => string | undefined;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Takes away one property. */
const removed: Mutation = (all, pick) => {
  const place = pick(all.filter((one) => typeof one.key === 'string'));
  if (place) {
    delete place.holder[place.key];
  }
  return place?.path;
};

const otherTypes: [test: (value: unknown) => boolean, by: unknown[]][] = [
  [(value) => typeof value === 'string', [42, true, { text: 'x' }]],
  [(value) => typeof value === 'number', ['42', true]],
  [(value) => typeof value === 'boolean', ['true', 1]],
  [isObject, ['text', [{}], 7]],
];

/** Puts a value of another JSON type, or another type of a choice. */
const wrongType: Mutation = (all, pick) => {
  const place = pick(all);
  if (!place) {
    return undefined;
  }
  const choice = /^(value|effective|onset|occurrence)[A-Z]/.exec(String(place.key));
  if (choice && typeof place.key === 'string') {
    delete place.holder[place.key];
    place.holder[`${choice[1]}${pick(['String', 'Boolean', 'Period', 'Range', 'Nothing'])}`] = pick([
      'x',
      true,
      { start: '2020' },
      {},
    ]);
    return place.path;
  }
  const by = otherTypes.find(([test]) => test(place.value))?.[1];
  if (by) {
    place.holder[place.key] = pick(by);
  }
  return by && place.path;
};

/** Puts a code that does not exist, or that is of another system. */
const wrongCode: Mutation = (all, pick) => {
  const names = ['code', 'system', 'status', 'intent', 'use', 'gender', 'type', 'mode', 'priority', 'lifecycleStatus'];
  const place = pick(all.filter((one) => names.includes(String(one.key)) && typeof one.value === 'string'));
  if (place) {
    place.holder[place.key] =
      place.key === 'system'
        ? pick(['http://hopital.example/codes', 'http://terminology.hl7.org/CodeSystem/v2-0203', 'codes'])
        : pick([`${place.value}-x`, 'bogus', ' ', `${String(place.value).toUpperCase()}1`]);
  }
  return place?.path;
};

/** Puts another unit, or one UCUM does not know. */
const wrongUnit: Mutation = (all, pick) => {
  const place = pick(all.filter((one) => isObject(one.value) && one.value.system === 'http://unitsofmeasure.org'));
  const quantity = place?.value as Json | undefined;
  if (quantity) {
    quantity.code = pick(['percent', 'mmHg', 'bpm', 'K', 'g', '1', 'L/min', '°C', 'kg', '%', 'mm[Hg]', '/min']);
  }
  return place?.path;
};

/** Takes an item out of a list, doubles one, or adds an empty one. */
const slice: Mutation = (all, pick) => {
  const place = pick(all.filter((one) => Array.isArray(one.value) && one.value.length > 0));
  const list = place?.value as unknown[] | undefined;
  switch (list && pick(['out', 'double', 'empty', 'null'])) {
    case 'out':
      list?.splice(0, 1);
      break;
    case 'double':
      list?.push(structuredClone(list[0]));
      break;
    case 'empty':
      list?.push({});
      break;
    case 'null':
      list?.push(null);
      break;
  }
  return place?.path;
};

/** Makes a list of one value, or one value of a list. */
const cardinality: Mutation = (all, pick) => {
  const place = pick(all.filter((one) => typeof one.key === 'string'));
  if (place) {
    place.holder[place.key] = Array.isArray(place.value) ? place.value[0] : [place.value];
  }
  return place?.path;
};

/** Breaks a rule about several elements, or the format of a value. */
const invariant: Mutation = (all, pick, root) => {
  const changes: [string, (value: Json) => boolean, (value: Json) => void][] = [
    [
      'value and its absence',
      (one) => one.resourceType === 'Observation',
      (one) => {
        one.dataAbsentReason = { text: '?' };
        one.valueString ??= 'x';
      },
    ],
    [
      'period backwards',
      (one) => 'start' in one && !('resourceType' in one),
      (one) => {
        one.end = '1999-01-01';
      },
    ],
    [
      'orphan contained',
      (one) => one === root && root.resourceType !== 'Bundle',
      (one) => {
        one.contained = [...((one.contained as unknown[]) ?? []), { resourceType: 'Device', id: 'orphan' }];
      },
    ],
    [
      'nested text',
      (one) => one === root && root.resourceType !== 'Bundle' && root.resourceType !== 'Binary',
      (one) => {
        one.text = { status: 'generated', div: '<div>no namespace</div>' };
      },
    ],
    [
      'local reference to nothing',
      (one) => typeof one.reference === 'string',
      (one) => {
        one.reference = '#nowhere';
      },
    ],
    [
      'unknown property',
      () => true,
      (one) => {
        one.inconnu = 'x';
      },
    ],
    [
      'empty object',
      () => true,
      (one) => {
        one.extension = [{}];
      },
    ],
    [
      'extension with both',
      () => true,
      (one) => {
        one.extension = [
          { url: 'http://hopital.example/e', valueString: 'x', extension: [{ url: 'a', valueString: 'b' }] },
        ];
      },
    ],
    [
      'unit without system',
      (one) => 'unit' in one && 'code' in one,
      (one) => {
        delete one.system;
      },
    ],
    [
      'date out of calendar',
      (one) =>
        Object.keys(one).some(
          (key) => /date|period|start|effective|authored|recorded|sent$/i.test(key) && typeof one[key] === 'string',
        ),
      (one) => {
        const key = Object.keys(one).find(
          (name) => /date|period|start|effective|authored|recorded|sent$/i.test(name) && typeof one[name] === 'string',
        ) as string;
        one[key] = pick(['2020-02-31', '2020-11-10T10:00:00', '10/11/2020', '2020-13-01', '2020-11-10T25:00:00Z']);
      },
    ],
    [
      'identifier of a local system',
      (one) => 'system' in one && 'value' in one && !('code' in one) && !('unit' in one),
      (one) => {
        one.system = pick(['local', 'urn:oid:1.02', 'http://a b']);
      },
    ],
    [
      'id with spaces',
      (one) => one === root,
      (one) => {
        one.id = pick(['a b', 'x'.repeat(65), '']);
      },
    ],
  ];
  const objects = [root, ...all.map((one) => one.value).filter(isObject)];
  const possible = changes.filter(([, fits]) => objects.some(fits));
  const found = pick(possible);
  const target = found && pick(objects.filter(found[1]));
  if (!found || !target) {
    return undefined;
  }
  found[2](target);
  return found[0];
};

const kinds: Record<string, Mutation> = { removed, wrongType, wrongCode, wrongUnit, slice, cardinality, invariant };

/** Makes mutants of resources, each with one change; the same for the same seed. */
export function mutants(seed: number, resources: Json[], count: number): Mutant[] {
  const next = random(seed);
  const pick = <T>(list: T[]): T | undefined => list[Math.floor(next() * list.length)];
  const made: Mutant[] = [];
  const names = Object.keys(kinds);
  for (let attempt = 0; made.length < count && attempt < count * 20; attempt++) {
    const resource = structuredClone(pick(resources) as Json);
    const kind = names[attempt % names.length] as string;
    const where = kinds[kind]?.(places(resource, String(resource.resourceType), []), pick, resource);
    if (where !== undefined) {
      made.push({ name: `${made.length} ${kind} ${where}`, resource });
    }
  }
  return made;
}
