import { existsSync, readdirSync } from 'node:fs';
import type { Delivery, DeliveryOutcome, Door, DoorContext, DoorType } from './adapter.ts';
import { checkAgainst, type DoorEntry } from './config.ts';
import { type Fault, fault, PasserelleError } from './errors.ts';

/** A door of the configuration, made. */
export interface NamedDoor {
  name: string;
  type: string;
  /** Cron expression of its `poll`. */
  poll?: string;
  door: Door;
}

/** What doors are given besides their own configuration. */
export type Surroundings = (entry: DoorEntry) => Omit<DoorContext, 'config' | 'name'>;

/**
 * Makes the doors of a configuration: each type is a folder of `src/adapters/`, found by its name alone. All faults at once
 * (type unknown, settings that its own schema refuses).
 */
export async function openDoors(entries: DoorEntry[], surroundings: Surroundings): Promise<NamedDoor[]> {
  const { doors, faults } = await soundDoors(entries, surroundings);
  if (faults.length > 0) throw new PasserelleError(faults);
  return doors;
}

/** Those that can be made, and what is wrong with the others. */
export async function soundDoors(
  entries: DoorEntry[],
  surroundings: Surroundings,
): Promise<{ doors: NamedDoor[]; faults: Fault[] }> {
  const faults: Fault[] = [];
  const doors: NamedDoor[] = [];
  for (const entry of entries) {
    const type = await doorType(entry, faults);
    if (!type) continue;
    const { name, type: typeName, poll, waiting: _marks, ...config } = structuredClone(entry);
    const wrong = type.configSchema ? checkAgainst(type.configSchema, config, `doors.${name}`) : [];
    faults.push(...wrong);
    if (wrong.length > 0) continue;
    doors.push({ name, type: typeName, poll, door: type.create({ name, config, ...surroundings(entry) }) });
  }
  return { doors, faults };
}

async function doorType(entry: DoorEntry, faults: Fault[]): Promise<DoorType | undefined> {
  const file = new URL(`./adapters/${entry.type}/index.ts`, import.meta.url);
  if (!/^[a-z][a-z0-9-]*$/.test(entry.type) || !existsSync(file)) {
    const types = doorTypes().join(', ');
    const problem = {
      fr: `a le type « ${entry.type} », et src/adapters n’a pas ce dossier ; il y a ${types}`,
      en: `has the type "${entry.type}", and there is no such folder in src/adapters; there are ${types}`,
    };
    faults.push(fault('config-invalid', { params: { setting: `doors.${entry.name}`, problem } }));
    return undefined;
  }
  const module = (await import(file.href)) as { door: DoorType };
  return module.door;
}

function doorTypes(): string[] {
  const folders = readdirSync(new URL('./adapters/', import.meta.url), { withFileTypes: true });
  return folders.flatMap((one) => (one.isDirectory() ? [one.name] : [])).sort();
}

/** Hands a delivery to the door that its destination names. */
export async function deliverBy(doors: NamedDoor[], delivery: Delivery): Promise<DeliveryOutcome> {
  const door = doors.find((one) => one.name === delivery.destination)?.door;
  if (door?.deliver) return door.deliver(delivery);
  return {
    outcome: 'permanent',
    faults: [fault('destination-unknown', { params: { destination: delivery.destination } })],
  };
}
