import type { Bundle, Encounter } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { expectOk } from '../fhir-pages.ts';
import type { House } from './house.ts';
import type { Identity } from './identify.ts';

/**
 * What a movement leaves unsaid of its stay and an earlier message said: when it began, and for an update (A08, Z99) that
 * does not tell what has become of it, its state and end. The newest message wins in everything else: PV1 is a snapshot.
 * The server is asked only for a stay that lacks one of these; it must be of the same patient.
 */
export async function completeStays(conversion: Conversion, identity: Identity, house: House): Promise<void> {
  if (!identity.reference) return;
  for (const { resource, identity: key } of conversion.drafts.filter(lacksSomething)) {
    const known = await knownStay(key, house);
    if (known?.subject?.reference === identity.reference) complete(resource, known);
  }
}

function lacksSomething(draft: Draft): draft is Draft<Encounter> {
  const { resource, write, current } = draft;
  if (resource.resourceType !== 'Encounter' || write !== 'update' || current) return false;
  return resource.status === 'unknown' || resource.period?.start === undefined;
}

function complete(stay: Encounter, known: Encounter): void {
  const isSilent = stay.status === 'unknown';
  if (isSilent && known.status) stay.status = known.status;
  const start = stay.period?.start ?? known.period?.start;
  const end = stay.period?.end ?? (isSilent ? known.period?.end : undefined);
  if (start || end) stay.period = { ...stay.period, ...(start ? { start } : {}), ...(end ? { end } : {}) };
}

async function knownStay(key: Draft['identity'], house: House): Promise<Encounter | undefined> {
  const query = encodeURIComponent(`${key.system}|${key.value}`);
  const answer = expectOk(await house.fhir.send({ method: 'GET', path: `Encounter?identifier=${query}&_count=1` }));
  return (answer.body as Bundle<Encounter>).entry?.find((entry) => entry.search?.mode !== 'outcome')?.resource;
}
