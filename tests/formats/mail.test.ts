import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ZipFile } from 'yazl';
import { type Fault, isError } from '../../src/errors.ts';
import { read } from '../../src/formats/mail/index.ts';
import { archiveLimits, readArchive, write, type XdmSubmission } from '../../src/formats/xdm/index.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/mssante');
const there = existsSync(corpus);
if (!there) console.warn('the corpus is not here: its mails are not read');

async function zipOf(files: Record<string, string | Buffer>, options: object = {}): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content as string), name, options);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const document = (uri: string, bytes: Uint8Array, patientId = '284026912345689^^^&1.2.250.1.213.1.4.10&ISO^NH') => ({
  uri,
  bytes,
  mimeType: 'text/xml',
  uniqueId: `1.2.250.1.999.${Number(/\d+/.exec(uri)?.[0] ?? 7)}`,
  title: 'Lettre « Été » & <suite>',
  creationTime: '20240120103000',
  languageCode: 'fr-FR',
  confidentiality: [],
  patientId,
  sourcePatientInfo: [],
});
const submission = (documents: XdmSubmission['documents']): XdmSubmission => ({
  uniqueId: '2.25.1',
  sourceId: '1.2.250.1.999.1.1',
  title: 'Lot',
  submissionTime: '20240120103000',
  documents,
});
/** What keeps an archive from being taken; its metadata are as short as the readers’ tests allow. */
const codes = ({ faults }: { faults: Fault[] }) => faults.filter(isError).map((one) => one.code);

describe('XDM archives', () => {
  test('what is written is read again, byte for byte, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 300 }), async (one, two) => {
        const given = [document('DOC00001.XML', one), document('DOC00002.XML', two)];
        const archive = await readArchive(await write(submission(given)));
        expect(codes(archive)).toEqual([]);
        expect(archive.documents.map(({ bytes }) => Buffer.from(bytes))).toEqual([Buffer.from(one), Buffer.from(two)]);
        expect(archive.documents[0]).toMatchObject({ uniqueId: '1.2.250.1.999.1', title: given[0]!.title });
      }),
      { numRuns: 25 },
    );
  });

  test('names count in any case', async () => {
    const made = await zipOf({
      'ihe_xdm/SubSet01/metadata.xml': metadata('doc00001.xml'),
      'IHE_XDM/SUBSET01/Doc00001.xml': 'abc',
    });
    expect((await readArchive(made)).documents).toHaveLength(1);
  });

  test('changed bytes, missing documents, two patients are named', async () => {
    const made = await zipOf({
      'IHE_XDM/SUBSET01/METADATA.XML': metadata('A.XML', 'a9993e364706816aba3e25717850c26c9cd0d89d'),
      'IHE_XDM/SUBSET01/A.XML': 'abd',
    });
    expect(codes(await readArchive(made))).toEqual(['xdm-document-altered']);
    const lacking = await zipOf({ 'IHE_XDM/SUBSET01/METADATA.XML': metadata('../../A.XML'), 'A.XML': 'abc' });
    expect(codes(await readArchive(lacking))).toEqual(['xdm-document-missing']);
    const other = document('B.XML', Buffer.from('b'), '185057800608436^^^&1.2.250.1.213.1.4.10&ISO^NH');
    const two = await write(submission([document('A.XML', Buffer.from('a')), other]));
    expect(codes(await readArchive(two))).toEqual(['mail-several-patients']);
  });

  test('bombs, floods of entries, links, paths out of the archive and rubbish are refused', async () => {
    const bomb = await zipOf({ 'IHE_XDM/SUBSET01/BIG.XML': Buffer.alloc(archiveLimits.bytes + 1) });
    expect(bomb.length).toBeLessThan(200_000);
    expect(codes(await readArchive(bomb))).toEqual(['xdm-limit']);
    const flood = Object.fromEntries(Array.from({ length: archiveLimits.entries + 1 }, (_, at) => [`F${at}`, 'x']));
    expect(codes(await readArchive(await zipOf(flood)))).toEqual(['xdm-limit']);
    expect(codes(await readArchive(await zipOf({ 'IHE_XDM/LINK': '/etc/passwd' }, { mode: 0o120777 })))).toEqual([
      'xdm-unreadable',
    ]);
    const slip = await zipOf({ 'aa/aa/x.xml': 'abc' });
    const slipped = Buffer.from(slip.toString('latin1').replaceAll('aa/aa/', '../../'), 'latin1');
    expect(codes(await readArchive(slipped))).toEqual(['xdm-unreadable']);
    for (const bytes of [Buffer.from('PK\u0003\u0004 no'), slip.subarray(0, 40), Buffer.alloc(0)]) {
      expect(codes(await readArchive(bytes))).toEqual(['xdm-unreadable']);
    }
    const entity = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>';
    const hostile = await zipOf({ 'IHE_XDM/SUBSET01/METADATA.XML': entity });
    expect((await readArchive(hostile)).faults).toHaveLength(1);
  });
});

function metadata(uri: string, hash?: string): string {
  const slot = (name: string, value: string) =>
    `<Slot name="${name}"><ValueList><Value>${value}</Value></ValueList></Slot>`;
  return `<RegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><ExtrinsicObject mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">${slot('URI', uri)}${hash ? slot('hash', hash) : ''}</ExtrinsicObject></RegistryObjectList>`;
}

function report(type: string, part: string, original = ''): Buffer {
  const lines = [
    'From: a@b.test',
    'Message-ID: <r1@b.test>',
    'Date: Tue, 03 Dec 2019 14:02:00 +0100',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${type}; boundary="X"`,
    '',
    '--X',
    'Content-Type: text/plain',
    '',
    'texte',
    '--X',
    `Content-Type: message/${type}`,
    '',
    ...part.split('\n'),
    ...(original ? ['--X', 'Content-Type: text/rfc822-headers', '', ...original.split('\n')] : []),
    '--X--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

describe('reports', () => {
  const mdn = async (disposition: string, more = '') => {
    const part = `Final-Recipient: rfc822;gp@medecin.test\nOriginal-Message-ID: <m1@here.test>\nDisposition: automatic-action/MDN-sent-automatically; ${disposition}${more}`;
    return (await read(report('disposition-notification', part))).tree.report;
  };

  test('an MDN says read, or the error in either way of writing it', async () => {
    const of = (result: object) => ({
      kind: 'disposition',
      originalMessageId: 'm1@here.test',
      results: [{ recipient: 'gp@medecin.test', ...result }],
    });
    expect(await mdn('processed')).toEqual(of({ outcome: 'read' }));
    expect(await mdn('displayed')).toEqual(of({ outcome: 'read' }));
    expect(await mdn('processed/Error: 902^Patient inconnu^x')).toEqual(of({ outcome: 'failed', code: '902' }));
    expect(await mdn('processed/error', '\nError: 904^Traits differents^x')).toEqual(
      of({ outcome: 'failed', code: '904' }),
    );
    expect(await mdn('deleted')).toEqual(of({ outcome: 'failed', code: 'deleted' }));
  });

  test('a DSN says delivered, failed with its code, or nothing yet; for each recipient', async () => {
    const group = (action: string, status: string, more = '') =>
      `Final-Recipient: rfc822; gp@medecin.test\nAction: ${action}\nStatus: ${status}${more}\n`;
    const part = `Reporting-MTA: dns; mx.test\nOriginal-Envelope-Id: m1@here.test\n\n${group('delivered', '2.0.0')}\n${group('failed', '5.1.1', '\nDiagnostic-Code: smtp; 550 unknown\n folded')}\n${group('delayed', '4.4.1')}`;
    expect((await read(report('delivery-status', part))).tree.report).toEqual({
      kind: 'delivery',
      originalMessageId: 'm1@here.test',
      results: [
        { recipient: 'gp@medecin.test', outcome: 'received' },
        { recipient: 'gp@medecin.test', outcome: 'failed', code: '550' },
        { recipient: 'gp@medecin.test', outcome: 'pending' },
      ],
    });
  });

  test('a DSN without an envelope id names the mail by the headers that came back', async () => {
    const part =
      'Reporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; gp@medecin.test\nAction: failed\nStatus: 5.1.1\n';
    const made = report('delivery-status', part, 'Subject: x\nMessage-ID: <m2@here.test>\n');
    expect((await read(made)).tree.report?.originalMessageId).toBe('m2@here.test');
  });

  test('reading never throws, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        expect((await read(bytes)).format).toBe('mail');
      }),
      { numRuns: 50 },
    );
  });
});

(there ? describe : describe.skip)('mails of the corpus (skipped where it is not)', () => {
  const mail = (name: string) => read(readFileSync(join(corpus, name)));

  test('the document mail: archive, metadata, one CDA whose hash is right', async () => {
    const { tree, parts, faults } = await mail('mss_LDL-SES_PAT-TROIS.eml');
    expect(faults).toEqual([]);
    expect(tree).toMatchObject({
      messageId: '20191203133512.0001@hegp.test-ci-sis.mssante.fr',
      title: 'Lettre de liaison PAT-TROIS DOMINIQUE 28/03/1979',
      notificationTo: 'medint@hegp.test-ci-sis.mssante.fr',
      archived: true,
    });
    expect(parts.map(({ place, bytes }) => [place, bytes.length])).toEqual([
      ['IHE_XDM.zip/IHE_XDM/SUBSET01/DOC00001.XML', 76_111],
    ]);
  });

  test('both MDN', async () => {
    expect((await mail('mdn_processed.eml')).tree.report).toMatchObject({
      originalMessageId: '20191203133512.0001@hegp.test-ci-sis.mssante.fr',
      results: [{ outcome: 'read' }],
    });
    expect((await mail('mdn_902_old-grammar.eml')).tree.report).toMatchObject({
      originalMessageId: '199509192301.23456@chb.mssante.fr',
      results: [{ outcome: 'failed', code: '902' }],
    });
  });
});
