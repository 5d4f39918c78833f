import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));

/** T02 with another document number, whose body is the PDF. */
function largeMessage(pdf: Buffer): Buffer {
  const body = `<nonXMLBody><text mediaType="application/pdf" representation="B64">${pdf.toString('base64')}</text></nonXMLBody>`;
  const numbered = (text: string) => text.replaceAll('1.2.250.1.999.7.2.101', '1.2.250.1.999.7.2.555');
  const text = numbered(golden('hl7v2-mdm-t02').toString('latin1')).replace('T02-1', 'T02-55');
  return Buffer.from(
    text.replace(/(\^XML\^Base64\^)([^|]+)/, (_, before: string, carried: string) => {
      const document = Buffer.from(carried, 'base64').toString('utf8');
      const changed = document.replace(/<(structuredBody|nonXMLBody)[\s\S]*<\/\1>/, () => body);
      return before + Buffer.from(numbered(changed)).toString('base64');
    }),
    'latin1',
  );
}

describe('a hospital pushes documents over MLLP', () => {
  let gateway: RunningGateway;
  const document = async (id: string) => {
    const { body } = await gateway.get(
      `/fhir/R4/DocumentReference?identifier=${encodeURIComponent(`|urn:oid:${id}`)},${encodeURIComponent(`urn:ietf:rfc:3986|urn:oid:${id}`)}`,
    );
    return body.entry?.[0]?.resource;
  };
  const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
  const total = async (query: string) => (await gateway.get(`/fhir/R4/${query}`)).body.total as number;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  test('T02: acknowledged, and everything can be read; the document byte for byte', async () => {
    const message = golden('hl7v2-mdm-t02');
    expect(await gateway.send(message)).toMatchObject({ code: 'AA' });
    await settled();
    const reference = await document('1.2.250.1.999.7.2.101');
    expect(reference).toMatchObject({ status: 'current' });
    const sent = read(message).parts[0]!.bytes;
    const urls = reference.content.map((one: any) => one.attachment.url as string);
    const token = await gateway.token();
    const hashes = await Promise.all(
      urls.map(async (url: string) => {
        const answer = await fetch(`${gateway.url}/fhir/R4/${url}`, {
          headers: { authorization: `Bearer ${token}`, accept: 'application/xml' },
        });
        return createHash('sha256')
          .update(new Uint8Array(await answer.arrayBuffer()))
          .digest('hex');
      }),
    );
    expect(hashes).toContain(createHash('sha256').update(sent).digest('hex'));
    const ins = encodeURIComponent('urn:oid:1.2.250.1.213.1.4.10|284026912345689');
    expect(await total(`Patient?identifier=${ins}`)).toBe(1);
    expect(await total(`Encounter?patient.identifier=${ins}`)).toBe(1);
    expect(await total(`Composition?patient.identifier=${ins}`)).toBe(1);
  });

  test('the same message sent again creates nothing', async () => {
    const count = async () =>
      Promise.all(
        ['Patient', 'DocumentReference', 'Composition', 'Encounter', 'Practitioner', 'Binary'].map((type) =>
          total(`${type}?_summary=count`),
        ),
      );
    const before = await count();
    expect(await gateway.send(golden('hl7v2-mdm-t02'))).toMatchObject({ code: 'AA' });
    await settled();
    expect(await count()).toEqual(before);
  });

  test('a document of megabytes comes through byte for byte, its PDF too, while a small message passes', async () => {
    const pdf = Buffer.alloc(2_000_000, '%PDF-1.7 long ');
    const message = largeMessage(pdf);
    const [large, small] = await Promise.all([gateway.send(message), gateway.send(golden('hl7v2-adt-a01'))]);
    expect([large.code, small.code]).toEqual(['AA', 'AA']);
    await settled();
    const reference = await document('1.2.250.1.999.7.2.555');
    const urls = reference.content.map((one: any) => one.attachment.url as string);
    const token = await gateway.token();
    const kept = await Promise.all(
      urls.map(async (url: string) => {
        const headers = { authorization: `Bearer ${token}`, accept: 'application/fhir+json' };
        const answer = await fetch(`${gateway.url}/fhir/R4/${url}`, { headers });
        const { data } = (await answer.json()) as { data: string };
        return createHash('sha1').update(Buffer.from(data, 'base64')).digest('base64');
      }),
    );
    expect(kept).toEqual(reference.content.map((one: any) => one.attachment.hash));
    for (const sent of [pdf, read(message).parts[0]!.bytes]) {
      expect(kept).toContain(createHash('sha1').update(sent).digest('base64'));
    }
  });

  test('T10 supersedes, T04 withdraws', async () => {
    await gateway.send(golden('hl7v2-mdm-t10'));
    await settled();
    expect(await document('1.2.250.1.999.7.2.101')).toMatchObject({ status: 'superseded' });
    expect(await document('1.2.250.1.999.7.2.103')).toMatchObject({ status: 'current' });
    await gateway.send(golden('hl7v2-mdm-t10-related'));
    await gateway.send(golden('hl7v2-mdm-t04'));
    await settled();
    expect(await document('1.2.250.1.999.7.2.103')).toMatchObject({ status: 'superseded' });
    expect(await document('1.2.250.1.999.7.2.104')).toMatchObject({ status: 'entered-in-error' });
  });

  test('another patient inside: AR 904, kept in quarantine, nothing written', async () => {
    const before = await total('DocumentReference?_summary=count');
    expect(await gateway.send(golden('hl7v2-mdm-mismatch'))).toMatchObject({ code: 'AR' });
    const { body } = await gateway.get('/messages?state=quarantined');
    expect(body.messages).toHaveLength(1);
    expect(await total('DocumentReference?_summary=count')).toBe(before);
  });

  test('a parent nobody knows, a withdrawal of what was replaced: held, nothing changed', async () => {
    const text = golden('hl7v2-mdm-t10').toString('latin1');
    const orphan = text.replaceAll('1.2.250.1.999.7.2.101', '1.2.250.1.999.7.2.909').replaceAll('T10-1', 'T10-9');
    await gateway.send(Buffer.from(orphan, 'latin1'));
    await settled();
    expect((await gateway.get('/messages?state=quarantined')).body.messages.length).toBeGreaterThanOrEqual(1);
  });

  test('nothing about a patient is in the log', () => {
    const text = gateway.lines.join('\n');
    for (const identity of ['MARTIN', 'LUCIE', '284026912345689', '770001']) expect(text).not.toContain(identity);
  });
});

describe('what is wrong is answered as the specification says, and the next message works', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  const changed = (change: (text: string) => string) =>
    Buffer.from(change(golden('hl7v2-mdm-t02').toString('latin1')), 'latin1');
  const payload = (bytes: string) => (text: string) => text.replace(/(\^Base64\^)[A-Za-z0-9+/=]{200,}/, `$1${bytes}`);
  const cases: [string, Buffer, string][] = [
    ['plain text instead of a CDA', changed(payload(Buffer.from('Compte rendu').toString('base64'))), 'AE'],
    [
      'truncated XML',
      changed(
        payload(Buffer.from('<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id').toString('base64')),
      ),
      'AE',
    ],
    ['unknown event', changed((text) => text.replace('MDM^T02^MDM_T02', 'MDM^T99^MDM_T02')), 'AR'],
    ['unknown message type', changed((text) => text.replace('MDM^T02^MDM_T02', 'XYZ^T02')), 'AR'],
    ['unknown character set', changed((text) => text.replace('UNICODE UTF-8', 'KLINGON')), 'AE'],
    ['Base64 without padding', changed((text) => text.replace(/=+(\|\|\|\|\|\|F\r)/, '$1')), 'AA'],
  ];

  test.each(cases)('%s', async (_, message, code) => {
    const answer = await gateway.send(message);
    expect(answer.code).toBe(code);
    if (code !== 'AA') expect(answer.errors.length).toBeGreaterThan(0);
    expect((await gateway.send(golden('hl7v2-adt-a01'))).code).toBe('AA');
  });
});
