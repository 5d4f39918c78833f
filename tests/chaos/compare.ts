import { type Entry, matricule, NOTES, saturation } from './sender.ts';

/** Reads the FHIR server: all matches of a search. */
export type Search = (query: string) => Promise<Found[]>;

interface Identifier {
  system?: string;
  value?: string;
}

/** A resource, as far as it is looked at. */
export interface Found {
  resourceType: string;
  id: string;
  meta: { lastUpdated: string };
  identifier?: Identifier | Identifier[];
  telecom?: unknown;
  valueQuantity?: { value: number };
  valueInteger?: number;
}

/** What the ledger and the FHIR server disagree about: something lost, twice, or out of order. */
export async function compare(round: number, ledger: Entry[], search: Search): Promise<string[]> {
  const patients = new Set(ledger.map((one) => one.patient));
  const found = await Promise.all(
    [...patients].map((patient) =>
      comparePatient(
        round,
        ledger.filter((one) => one.patient === patient),
        search,
      ),
    ),
  );
  return found.flat();
}

async function comparePatient(round: number, entries: Entry[], search: Search): Promise<string[]> {
  const [{ kind, patient }] = entries as [Entry];
  const unheard = entries
    .filter((one) => !one.acknowledged)
    .map((one) => `${kind} ${one.sequence}: never acknowledged`);
  if (kind === 'note') return [...unheard, ...(await notes(round, entries, search))];
  const number =
    kind === 'movement'
      ? `urn:oid:1.2.250.1.999.3.1|R${round}P${patient}`
      : `urn:oid:1.2.250.1.213.1.4.10|${matricule(round, patient)}`;
  const records = await search(`Patient?identifier=${number}`);
  const told = records.length === 1 ? [] : [`${records.length} Patients`];
  if (records.length > 0) {
    const each = kind === 'movement' ? await stays(round, entries, search) : await readings(entries, records, search);
    told.push(...each, ...(await twice(records, search)));
    if (kind === 'movement') told.push(...lastTelephone(entries, records));
  }
  return [...unheard, ...told].map((fault) => `patient ${patient}: ${fault}`);
}

async function stays(round: number, entries: Entry[], search: Search): Promise<string[]> {
  const of = ({ patient, sequence }: Entry) =>
    search(`Encounter?identifier=urn:oid:1.2.250.1.999.3.3|R${round}P${patient}S${sequence}`);
  return onceInOrder(entries, await Promise.all(entries.map(of)), 'stay');
}

async function readings(entries: Entry[], [record]: Found[], search: Search): Promise<string[]> {
  const all = await search(`Observation?patient=${record!.id}&code=2708-6&_count=200`);
  const of = ({ sequence }: Entry) => all.filter((one) => one.valueQuantity?.value === saturation(sequence));
  const others = all.length > entries.length ? [`${all.length} readings instead of ${entries.length}`] : [];
  return [...onceInOrder(entries, entries.map(of), 'reading'), ...others];
}

/** Each is there once; creates of the FHIR API about nothing in common have no order. */
async function notes(round: number, entries: Entry[], search: Search): Promise<string[]> {
  const [{ patient }] = entries as [Entry];
  const all = await search(`Observation?code=${NOTES}|R${round}P${patient}&_count=200`);
  return entries.flatMap(({ sequence }) => {
    const count = all.filter((one) => one.valueInteger === sequence).length;
    return count === 1 ? [] : [`patient ${patient}: note ${sequence}: found ${count} times`];
  });
}

/** One resource for each message, written in the order the messages were sent. */
function onceInOrder(entries: Entry[], found: Found[][], what: string): string[] {
  const faults = entries.flatMap(({ sequence }, at) =>
    found[at]!.length === 1 ? [] : [`${what} ${sequence}: found ${found[at]!.length} times`],
  );
  const moments = found.map(([first]) => Date.parse(first?.meta.lastUpdated ?? ''));
  for (let at = 1; at < moments.length; at++) {
    if (moments[at]! < moments[at - 1]!) faults.push(`${what} ${at + 1} was written before ${what} ${at}`);
  }
  return faults;
}

/** Everything about the patient: no two resources of a type with one identifier. */
async function twice(records: Found[], search: Search): Promise<string[]> {
  const all = (await Promise.all(records.map(({ id }) => search(`Patient/${id}/$everything?_count=1000`)))).flat();
  const seen = new Map<string, string>();
  const faults: string[] = [];
  for (const { resourceType, id, identifier = [] } of all) {
    for (const { system, value } of [identifier].flat()) {
      const key = `${resourceType} ${system}|${value}`;
      const other = seen.get(key);
      if (other !== undefined && other !== id) faults.push(`${resourceType} ${other} and ${id} have one identifier`);
      seen.set(key, id);
    }
  }
  return faults;
}

function lastTelephone(entries: Entry[], records: Found[]): string[] {
  const last = String(Math.max(...entries.map((one) => one.sequence))).padStart(10, '0');
  const telephone = JSON.stringify(records[0]?.telecom ?? []);
  return telephone.includes(last) ? [] : ['the last message is not what is on the server'];
}
