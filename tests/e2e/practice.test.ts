import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { segment, startHospital } from './listener.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));

describe('documents for practice software go out as MDM in the LPS profile', () => {
  let listener: Awaited<ReturnType<typeof startHospital>>;
  let software: RunningGateway;
  let gateway: RunningGateway;
  const status = async (id: string) =>
    (await software.get(`/fhir/R4/DocumentReference?identifier=urn:oid:1.2.250.1.999.7.2.${id}`)).body.entry?.[0]
      ?.resource;
  const field = (name: string, number: number, at = 0) => segment(listener.heard.at(-1)!, name, at).split('|')[number];

  beforeAll(async () => {
    listener = await startHospital();
    software = await startGateway();
    const practice = { recipients: ['899900000017'] };
    gateway = await startGateway({
      PASSERELLE__destinations: JSON.stringify([
        { name: 'seen', type: 'mllp-out', address: `mllp://127.0.0.1:${listener.port}`, practice },
        { name: 'software', type: 'mllp-out', address: software.mllp, practice },
        {
          name: 'other',
          type: 'mllp-out',
          address: `mllp://127.0.0.1:${listener.port}`,
          practice: { recipients: ['899900000099'], senders: ['mss', 'test'] },
        },
      ]),
    });
  });
  afterAll(async () => {
    await gateway?.remove();
    await software?.remove();
    await listener?.stop();
  });

  test('T02: the fields of the profile, and the very bytes of the document, once', async () => {
    const message = golden('hl7v2-mdm-t02');
    await gateway.send(message);
    await until(async () => listener.heard.length > 0);
    const [heard] = listener.heard as [string];
    expect(field('MSH', 20)).toBe('1.1^CISIS_CDA_HL7_LPS');
    expect(field('MSH', 8)).toBe('MDM^T02^MDM_T02');
    expect([field('PV1', 2), field('ORC', 1), field('TXA', 17), field('PID', 32)]).toEqual(['N', 'NW', 'AU', 'VALI']);
    expect(field('TXA', 12)).toBe('1.2.250.1.999.7.2.101');
    expect(segment(heard, 'PRT', 1)).toContain('hugo.traitant@medecin.mssante.fr');
    expect(segment(heard, 'OBX', 2)).toBe(
      'OBX|3|CWE|MASQUE_PS^Masqué aux professionnels de Santé^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F',
    );
    const { faults, parts } = read(Buffer.from(heard));
    expect(faults).toEqual([]);
    const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(sha(parts[0]!.bytes)).toBe(sha(read(message).parts[0]!.bytes));
    expect(listener.heard).toHaveLength(1);
  });

  test('another gateway takes it as it takes such messages from elsewhere', async () => {
    const found = await until(() => status('101'));
    expect(found).toMatchObject({ status: 'current' });
    const messages = await until(async () => {
      const { body } = await software.get('/messages');
      return body.messages.every(({ state }: any) => state !== 'accepted') && body.messages;
    });
    expect(messages).toMatchObject([{ state: 'delivered', kind: 'MDM^T02' }]);
  });

  test('T10 replaces and T04 withdraws there', async () => {
    await gateway.send(golden('hl7v2-mdm-t10'));
    await until(async () => (await status('101'))?.status === 'superseded' && listener.heard.length === 2);
    expect(await status('103')).toMatchObject({ status: 'current' });
    expect([field('MSH', 8), field('ORC', 1), field('TXA', 13)]).toEqual([
      'MDM^T10^MDM_T02',
      'RO',
      '1.2.250.1.999.7.2.101',
    ]);
    await gateway.send(Buffer.from(recoded(golden('hl7v2-mdm-t04').toString('latin1'), '2.104', '2.103'), 'latin1'));
    await until(async () => (await status('103'))?.status === 'entered-in-error' && listener.heard.length === 3);
    expect([field('MSH', 8), field('ORC', 1)]).toEqual(['MDM^T04^MDM_T02', 'CA']);
  });

  /** A document without a masterIdentifier, about the patient the messages brought; its CDA has an id of its own. */
  const unnumbered = async (id: string) => {
    const [part] = read(golden('hl7v2-mdm-t02')).parts;
    const cda = Buffer.from(part!.bytes).toString('utf8').replaceAll('1.2.250.1.999.7.2.101', id);
    const { body } = await gateway.get('/fhir/R4/Patient');
    const type = { coding: [{ system: 'http://loinc.org', code: '34112-3', display: 'CR hospitalier' }] };
    const attachment = { contentType: 'text/xml', title: 'Compte rendu', data: Buffer.from(cda).toString('base64') };
    const subject = { reference: `Patient/${body.entry[0].resource.id}` };
    return { resourceType: 'DocumentReference', status: 'current', type, subject, content: [{ attachment }] };
  };
  const heardNext = async (write: () => Promise<{ status: number }>) => {
    const before = listener.heard.length;
    expect((await write()).status).toBeLessThan(300);
    await until(async () => listener.heard.length > before);
    expect(listener.heard).toHaveLength(before + 1);
    return [field('MSH', 8), field('TXA', 12)];
  };

  test('ITI-105 without a masterIdentifier: a sender all of whose documents go there; TXA-12 is the CDA’s own id', async () => {
    const document = await unnumbered('1.2.250.1.999.7.2.880');
    const write = () => gateway.post('/fhir/R4/DocumentReference', document);
    expect(await heardNext(write)).toEqual(['MDM^T02^MDM_T02', '1.2.250.1.999.7.2.880']);
  });

  test('a transaction over /in/fhir: the same; a picture added to the document stays with it', async () => {
    const document = await unnumbered('1.2.250.1.999.7.2.881');
    const [fullUrl, file, picture] = ['a', 'b', 'c'].map((one) => `urn:uuid:90c1d3a4-0000-4000-8000-00000000000${one}`);
    const { data, ...attachment } = document.content[0]!.attachment;
    const png = { contentType: 'image/png', data: 'iVBORw0KGgo=' };
    const resources: [string, object][] = [
      [fullUrl!, { ...document, content: [{ attachment: { ...attachment, url: file } }] }],
      [file!, { resourceType: 'Binary', contentType: 'text/xml', data }],
      [
        picture!,
        {
          ...document,
          relatesTo: [{ code: 'appends', target: { reference: fullUrl } }],
          content: [{ attachment: png }],
        },
      ],
    ];
    const entry = resources.map(([url, resource]: [string, any]) => ({
      fullUrl: url,
      resource,
      request: { method: 'POST', url: resource.resourceType },
    }));
    const write = () => gateway.post('/in/fhir?wait=15', { resourceType: 'Bundle', type: 'transaction', entry });
    expect(await heardNext(write)).toEqual(['MDM^T02^MDM_T02', '1.2.250.1.999.7.2.881']);
    const written = (await gateway.get('/messages?state=delivered')).body.messages[0];
    expect(written.deliveries).toHaveLength(1);
  });
});

/** The same message about another document. */
function recoded(text: string, from: string, to: string): string {
  const payload = /\^Base64\^([A-Za-z0-9+/=]{200,})/.exec(text)![1]!;
  const cda = Buffer.from(payload, 'base64').toString('utf8').replaceAll(`.${from}`, `.${to}`);
  return text.replace(payload, Buffer.from(cda).toString('base64')).replaceAll(`.${from}`, `.${to}`);
}
