import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';
import { Hapi, whyNoHapi } from './server.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const INS = 'urn:oid:1.2.250.1.213.1.4.10|284026912345689';
const missing = whyNoHapi();
if (missing) console.warn(`HAPI tests are skipped: ${missing}`);

(missing ? describe.skip : describe)(
  'shared record: A provides to B, behind which a real HAPI keeps the documents',
  () => {
    const hapi = new Hapi();
    let a: RunningGateway;
    let b: RunningGateway;

    beforeAll(async () => {
      await hapi.start();
      b = await startGateway({ PASSERELLE_FHIR: hapi.base });
      const headers = { authorization: `Bearer ${await b.token('hospital')}` };
      const server = { base: `${b.url}/fhir/R4`, sourceId: 'urn:oid:1.2.250.1.999.7', headers, timeoutSeconds: 60 };
      a = await startGateway({
        PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.2, maxSeconds: 1, giveUpHours: 1 }),
        PASSERELLE__destinations: JSON.stringify([{ name: 'dmp', type: 'pdsm', server }]),
      });
      const [system, value] = INS.split('|');
      const patient = { resourceType: 'Patient', identifier: [{ system, value }], name: [{ family: 'MARTIN-TEST' }] };
      expect((await b.post('/fhir/R4/Patient', patient)).status).toBe(201);
    }, 600_000);
    afterAll(async () => {
      await a?.remove();
      await b?.remove();
      await hapi.remove();
    }, 60_000);

    const document = async (id: string) => {
      const token = encodeURIComponent(`urn:ietf:rfc:3986|urn:oid:${id}`);
      const { body } = await b.get(`/fhir/R4/DocumentReference?identifier=${token}&_t=${Math.random()}`);
      return (body.entry ?? [])
        .map((one: any) => one.resource)
        .find((one: any) => one.resourceType === 'DocumentReference');
    };

    test('T02 arrives with its very bytes, T10 supersedes, a metadata patch is taken and another is not', async () => {
      await a.send(golden('hl7v2-mdm-t02'));
      const first = await until(() => document('1.2.250.1.999.7.2.101'), 90);
      const { url } = first.content[0].attachment;
      const headers = { authorization: `Bearer ${await b.token()}`, accept: 'text/xml' };
      const bytes = await fetch(new URL(url, `${b.url}/fhir/R4/`), { headers });
      const sent = Buffer.from(read(golden('hl7v2-mdm-t02')).parts[0]!.bytes);
      expect(Buffer.from(await bytes.arrayBuffer()).equals(sent)).toBe(true);

      await a.send(golden('hl7v2-mdm-t10'));
      await until(async () => (await document('1.2.250.1.999.7.2.101')).status === 'superseded', 90);
      const fresh = await document('1.2.250.1.999.7.2.103');
      expect(fresh.relatesTo[0].target.reference).toBe(`DocumentReference/${first.id}`);

      const patch = async (path: string, body: string, type: string) => {
        const asked = { method: 'PATCH', headers: { ...headers, accept: '*/*', 'content-type': type }, body };
        return (await fetch(`${b.url}/fhir/R4/DocumentReference/${fresh.id}${path}`, asked)).status;
      };
      const xml =
        '<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:DocumentReference/f:status/@value">superseded</replace></diff>';
      expect(await patch('', xml, 'application/xml-patch+xml')).toBe(200);
      expect((await document('1.2.250.1.999.7.2.103')).status).toBe('superseded');
      const other = JSON.stringify([{ op: 'replace', path: '/date', value: '2020-01-01T00:00:00Z' }]);
      expect(await patch('', other, 'application/json-patch+json')).toBe(405);
    }, 240_000);

    test('ITI-67 by the INS, ITI-66 for the submissions', async () => {
      const patient = `patient.identifier=${encodeURIComponent(INS)}`;
      const lists = await until(async () => {
        const { body } = await b.get(`/fhir/R4/List?${patient}&status=current&code=submissionset`);
        return body.entry?.length === 2 && body.entry;
      }, 60);
      expect(lists).toHaveLength(2);
      const { body } = await b.get(`/fhir/R4/DocumentReference?${patient}&status=current,superseded`);
      expect(body.entry).toHaveLength(2);
    }, 90_000);
  },
);
