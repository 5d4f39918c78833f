import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { Caller } from '../../src/access/caller.ts';
import { guarded } from '../../src/access/porter-reads.ts';
import { loadAccessRules } from '../../src/access/porter-rules.ts';
import { parseScopes } from '../../src/access/scopes.ts';
import { openFixture } from '../store/fixture.ts';

const rules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));
const fixture = openFixture();
afterAll(() => fixture.close());

const people = ['a', 'b', 'c'];
const world = fc.record({
  patients: fc.array(
    fc.record({
      gp: fc.constantFrom(undefined, ...people),
      members: fc.subarray(people),
      teamStatus: fc.constantFrom('active', 'inactive'),
      ended: fc.boolean(),
      agreement: fc.constantFrom(undefined, 'active', 'inactive'),
      documents: fc.array(
        fc.record({
          author: fc.constantFrom(undefined, ...people),
          label: fc.constantFrom(undefined, 'N', 'V', 'MASQUE_PS', 'INVISIBLE_PATIENT'),
        }),
        { maxLength: 3 },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;
type Asking = { person: string } | { patient: number };

/** Slow and obvious: each document on its own, with nothing but the words of the rules. */
function maySee(
  one: World['patients'][number],
  index: number,
  document: { author?: string; label?: string },
  who: Asking,
) {
  if ('patient' in who) return who.patient === index && document.label !== 'INVISIBLE_PATIENT';
  const isAuthor = document.author === who.person;
  if (isAuthor) return true;
  if (one.agreement === 'inactive') return false;
  if (one.gp === who.person) return true;
  if (document.label === 'V' || document.label === 'MASQUE_PS') return false;
  return one.members.includes(who.person) && one.teamStatus === 'active' && !one.ended;
}

let run = 0;

test('the gateway and the slow reference never differ, over the embedded server', async () => {
  let requests = 0;
  await fc.assert(
    fc.asyncProperty(world, async ({ patients }) => {
      const mark = `r${run++}`;
      const ids = await populate(mark, patients);
      const askings: Asking[] = [
        ...people.map((person) => ({ person })),
        ...patients.map((_one, patient) => ({ patient })),
      ];
      for (const who of askings) {
        const send = (path: string) =>
          guarded(rules, callerOf(mark, who), fixture.store.endpoint).send({ method: 'GET', path });
        const expected = ids.filter((id) => {
          const [, patient, number] = id.split('-').map(Number) as [number, number, number];
          const one = patients[patient] as World['patients'][number];
          return maySee(one, patient, one.documents[number] as { author?: string; label?: string }, who);
        });
        const all = (await send('DocumentReference?_count=100')).body as Bundle;
        expect([all.total, found(all)]).toEqual([expected.length, expected]);
        const count = (await send('DocumentReference?_summary=count')).body as Bundle;
        expect(count.total).toBe(expected.length);
        requests += 2;
        for (const id of ids) {
          expect([id, (await send(`DocumentReference/${id}`)).status]).toEqual([id, expected.includes(id) ? 200 : 404]);
          requests++;
        }
        for (const [index] of patients.entries()) {
          const path = `DocumentReference?patient=${mark}-${index}&_revinclude=Provenance:target`;
          expect(found((await send(path)).body as Bundle)).toEqual(
            expected.filter((id) => id.startsWith(`${mark}-${index}-`)),
          );
          requests++;
        }
      }
    }),
    { numRuns: 40 },
  );
  expect(requests).toBeGreaterThan(500);
}, 120_000);

const found = (bundle: Bundle) => (bundle.entry ?? []).map((one) => one.resource?.id as string).sort();

function callerOf(mark: string, who: Asking): Caller {
  const person = 'person' in who;
  return {
    clientId: 'software',
    subject: 'software',
    issuer: 'test',
    expiresAt: Number.MAX_SAFE_INTEGER,
    sees: () => true,
    scopes: parseScopes(person ? 'user/*.rs' : 'patient/*.rs'),
    ...(person ? { practitioner: `${mark}${who.person}` } : { patient: `${mark}-${who.patient}` }),
  };
}

async function populate(mark: string, patients: World['patients']): Promise<string[]> {
  const member = (name: string) => ({ reference: `Practitioner/${mark}${name}` });
  const resources: Record<string, unknown>[] = people.map((name) => ({
    resourceType: 'Practitioner',
    id: `${mark}${name}`,
    identifier: [{ system: 'https://rpps.esante.gouv.fr', value: `${mark}${name}` }],
  }));
  const ids: string[] = [];
  for (const [index, one] of patients.entries()) {
    const id = `${mark}-${index}`;
    const subject = { reference: `Patient/${id}` };
    resources.push({ resourceType: 'Patient', id, generalPractitioner: one.gp ? [member(one.gp)] : undefined });
    const participant = one.members.map((name) => ({
      member: member(name),
      ...(one.ended ? { period: { end: '2020-01-01' } } : {}),
    }));
    resources.push({
      resourceType: 'CareTeam',
      id: `${id}-t`,
      status: one.teamStatus,
      subject,
      ...(participant.length > 0 ? { participant } : {}),
    });
    if (one.agreement) {
      resources.push({
        resourceType: 'Consent',
        id: `${id}-c`,
        meta: { profile: [rules.agreement] },
        status: one.agreement,
        scope: { text: 'x' },
        category: [{ text: 'x' }],
        patient: subject,
        dateTime: '2020-11-20',
      });
    }
    for (const [number, { author, label }] of one.documents.entries()) {
      ids.push(`${id}-${number}`);
      resources.push({
        resourceType: 'DocumentReference',
        id: `${id}-${number}`,
        status: 'current',
        subject,
        author: author ? [member(author)] : undefined,
        securityLabel: label ? [{ coding: [{ code: label }] }] : undefined,
        content: [{ attachment: { title: 'x' } }],
      });
    }
  }
  const entry = resources.map((resource) => ({
    resource: JSON.parse(JSON.stringify(resource)),
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  const { status, body } = await fixture.send('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return ids.sort();
}
