import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.10';
const LUCIE = '284026912345689';
const UNQUALIFIED = '185057800608436';

const reliability = (code: string) => ({
  url: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability',
  extension: [
    {
      url: 'identityStatus',
      valueCoding: { system: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identity-status', code },
    },
  ],
});
const resources = [
  {
    resourceType: 'Patient',
    id: 'lucie',
    extension: [reliability('QUAL')],
    identifier: [{ system: INS, value: LUCIE }],
    name: [{ family: 'ESSAI', given: ['Lucie'] }],
    birthDate: '1984-02-29',
  },
  {
    resourceType: 'Patient',
    id: 'other',
    extension: [reliability('PROV')],
    identifier: [{ system: INS, value: UNQUALIFIED }],
    name: [{ family: 'AUTRE' }],
  },
  {
    resourceType: 'Organization',
    id: 'place',
    identifier: [{ system: 'urn:oid:1.2.250.1.71.4.2.2', value: '1750999907' }],
    name: 'Cabinet A',
  },
  {
    resourceType: 'Practitioner',
    id: 'gp',
    identifier: [{ system: 'urn:oid:1.2.250.1.71.4.2.1', value: '899700302240' }],
    name: [{ family: 'LORMEAU', given: ['Basile'] }],
  },
  {
    resourceType: 'PractitionerRole',
    id: 'role',
    practitioner: { reference: 'Practitioner/gp' },
    organization: { reference: 'Organization/place' },
  },
  {
    resourceType: 'RelatedPerson',
    id: 'daughter',
    identifier: [{ system: 'http://example.org/people', value: '7' }],
    patient: { reference: 'Patient/lucie' },
    name: [{ family: 'ESSAI', given: ['Anne'] }],
    telecom: [{ system: 'phone', value: '0600000000' }],
    relationship: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'DAUC' }] }],
  },
];
const team = (id: string, patient: string, members: string[], more: object = {}) => ({
  resourceType: 'CareTeam',
  id,
  identifier: [{ system: 'http://example.org/circles', value: id }],
  status: 'active',
  name: 'Cercle de soins',
  subject: { reference: `Patient/${patient}` },
  period: { start: '2026-11-01' },
  participant: members.map((reference) => ({ member: { reference }, period: { start: '2026-11-02' } })),
  managingOrganization: [{ reference: 'Organization/place' }],
  ...more,
});

describe('care circle: gateway A sends its circles to the server that keeps them (gateway B)', () => {
  let a: RunningGateway;
  let b: RunningGateway;
  let server: Server;
  const state = { failAfterStoring: 0, down: false, writes: 0 };

  beforeAll(async () => {
    b = await startGateway();
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (state.down) return void response.writeHead(503, { 'retry-after': '1' }).end();
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
      const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {};
      const answer = await fetch(`${b.url}${request.url}`, {
        method: request.method!,
        headers: headers as Record<string, string>,
        ...body,
      });
      const text = await answer.text();
      if (request.method === 'POST') {
        state.writes++;
        if (state.failAfterStoring-- > 0) return void response.writeHead(500).end();
      }
      response.writeHead(answer.status, { 'content-type': 'application/fhir+json' }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`;
    const headers = { authorization: `Bearer ${await b.token('gateway-a')}` };
    a = await startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([{ name: 'circles', type: 'care-circle', server: { base, headers } }]),
    });
    for (const one of resources) expect((await put(one)).status).toBe(201);
  }, 120_000);
  afterAll(async () => {
    await a?.remove();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await b?.remove();
  });

  async function put(resource: { resourceType: string; id: string }) {
    const { resourceType, id } = resource;
    const authorization = `Bearer ${await a.token()}`;
    const headers = { authorization, 'content-type': 'application/fhir+json' };
    const response = await fetch(`${a.url}/fhir/R4/${resourceType}/${id}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify(resource),
    });
    await response.text();
    return response;
  }
  const quiet = () =>
    until(async () => {
      const { body } = await a.get('/messages');
      const all = await Promise.all(body.messages.map((one: any) => a.get(`/messages/${one.id}`)));
      const deliveries = all.flatMap((one: any) => one.body.deliveries ?? []);
      return deliveries.every((one: any) => one.state !== 'waiting') && deliveries;
    });
  const circles = async (more = '') => {
    const path = `CareTeam?patient.identifier=${encodeURIComponent(`${INS}|${LUCIE}`)}${more}`;
    return ((await b.get(`/fhir/R4/${path}`)).body.entry ?? []).map((one: any) => one.resource);
  };
  const codesOfDead = (deliveries: any[]) =>
    deliveries
      .filter((one) => one.state === 'dead')
      .flatMap((one) => one.issues.map((issue: any) => issue.details.coding[0].code));

  test('PCC-45: the circle is there with everybody in it', async () => {
    await put(team('c1', 'lucie', ['PractitionerRole/role', 'RelatedPerson/daughter', 'Organization/place']));
    expect(codesOfDead(await quiet())).toEqual([]);
    const [circle, ...others] = await circles();
    expect(others).toEqual([]);
    expect(circle.participant.map((one: any) => one.member.display)).toEqual([
      'Basile LORMEAU, Cabinet A',
      'Anne ESSAI',
      'Cabinet A',
    ]);
    expect(circle.meta.profile).toEqual([
      'https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-ihe-careteam',
    ]);
  });

  test('PCC-46 and PCC-47: found with its members, by its own parameters, read, version by version', async () => {
    const found = await circles('&_include=CareTeam:participant&_include:iterate=PractitionerRole:organization');
    const types = found.map((one: any) => one.resourceType).sort();
    expect(types).toEqual(['CareTeam', 'Organization', 'PractitionerRole', 'RelatedPerson']);
    for (const [parameter, count] of [
      ['start=2026-11-01', 1],
      ['participant-start=2026-11-02', 1],
      ['start=gt2027', 0],
      ['managing-organization.name=cabinet', 1],
      ['status=active', 1],
    ] as const) {
      expect([parameter, (await circles(`&${parameter}`)).length]).toEqual([parameter, count]);
    }
    const [{ id, meta }] = await circles();
    expect((await b.get(`/fhir/R4/CareTeam/${id}`)).body.id).toBe(id);
    expect((await b.get(`/fhir/R4/CareTeam/${id}/_history/${meta.versionId}`)).status).toBe(200);
  });

  test('the same again is not sent; a change makes one version more', async () => {
    const [before] = await circles();
    state.writes = 0;
    await put(
      team('c1', 'lucie', ['PractitionerRole/role', 'RelatedPerson/daughter', 'Organization/place'], {
        note: [{ text: 'x' }],
      }),
    );
    await quiet();
    expect(state.writes).toBe(0);
    await put(team('c1', 'lucie', ['PractitionerRole/role', 'Organization/place']));
    await quiet();
    expect(state.writes).toBe(1);
    const [after] = await circles();
    expect([after.id, after.participant.length]).toEqual([before.id, 2]);
    expect((await b.get(`/fhir/R4/CareTeam/${after.id}/_history`)).body.entry).toHaveLength(2);
    expect((await b.get('/fhir/R4/RelatedPerson')).body.entry).toHaveLength(1);
  });

  test('500 after storing: there once, in one version', async () => {
    state.failAfterStoring = 1;
    await put(team('c1', 'lucie', ['PractitionerRole/role'], { name: 'Cercle' }));
    expect(codesOfDead(await quiet())).toEqual([]);
    const [circle, ...others] = await circles();
    expect([circle.name, others]).toEqual(['Cercle', []]);
    expect((await b.get(`/fhir/R4/CareTeam/${circle.id}/_history`)).body.entry).toHaveLength(3);
  });

  test('503: waits, then goes', async () => {
    state.down = true;
    await put(team('c1', 'lucie', ['Organization/place'], { name: 'Plus tard' }));
    await until(async () => a.lines.some((line) => line.includes('destination changed')));
    state.down = false;
    await until(async () => (await circles())[0].name === 'Plus tard');
  });

  test('an identity that is not qualified stays here; another circle of the patient there is for a person to decide', async () => {
    await put(team('c2', 'other', ['Organization/place']));
    expect(codesOfDead(await quiet())).toContain('circle-unqualified');
    await put(team('c3', 'lucie', ['Organization/place']));
    expect(codesOfDead(await quiet())).toContain('circle-foreign');
    expect(await circles()).toHaveLength(1);
  });
});
