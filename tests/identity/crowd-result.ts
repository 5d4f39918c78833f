import { expect } from '@jest/globals';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import { until } from '../e2e/running.ts';
import { type Crowd, type Doors, everybody, expectedIdentifiers, identifiersOf } from './crowd.ts';

/**
 * Waits until a gateway (of one journal, any) has worked off what a crowd sent, and compares: one active record for each
 * person, with the numbers of that person and no others; what was merged away points at it; nothing is held or dead.
 */
export async function expectCrowd(crowd: Crowd, doors: Doors, fhir = `${doors.url}/fhir/R4`): Promise<void> {
  const headers = { authorization: `Bearer ${doors.token}` };
  const get = async (url: string) => (await fetch(url, { headers })).json() as Promise<any>;
  const of = async (state: string) => (await get(`${doors.url}/messages?state=${state}&limit=5`)).messages;
  await until(async () => (await of('accepted')).length === 0, 1000);
  for (const state of ['dead', 'quarantined', 'refused']) expect(await of(state)).toEqual([]);
  // Page by page: a server may give fewer than it was asked for.
  const records: Patient[] = [];
  for (let next: string | undefined = `${fhir}/${everybody(crowd)}`; next; ) {
    const page: Bundle<Patient> = await get(next);
    records.push(...(page.entry ?? []).flatMap(({ resource }) => resource ?? []));
    const link: string | undefined = page.link?.find((one) => one.relation === 'next')?.url;
    const { pathname, search } = new URL(link ?? fhir);
    next = link && `${fhir}${pathname.replace(/^\/fhir(\/R4)?/, '')}${search}`;
  }
  const active = records.filter((one) => one.active !== false).map(identifiersOf);
  expect(new Map(active.map(({ ins, all }) => [ins, all]))).toEqual(expectedIdentifiers(crowd));
  expect(active).toHaveLength(crowd.patients);
  for (const one of records.filter(({ active }) => active === false)) expect(one.link?.[0]?.type).toBe('replaced-by');
}
