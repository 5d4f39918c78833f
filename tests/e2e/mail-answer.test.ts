import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/mail/index.ts';
import { type Mailbox, type Operator, parsed, startMailbox, startOperator } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const HOSPITAL = 'cardiologie@ch-alpha.mssante.fr';
const GP = 'hugo.traitant@medecin.mssante.fr';

describe('the sender of a mail is told what became of it, servers in process', () => {
  let operator: Operator;
  let mailbox: Mailbox;
  let gateway: RunningGateway;
  let mail: string;
  let replacement: string;
  const put = (raw: string) => mailbox.appendMessage('INBOX', [], new Date(), raw);
  const seen = () => mailbox.getMailbox('INBOX').messages.every((one) => one.flags.includes('\\Seen'));
  const renamed = (raw: string, id: string) => raw.replace(/^Message-ID: <[^>]+>/m, `Message-ID: <${id}@test>`);
  const answers = () => operator.taken.filter(({ to }) => to[0] === HOSPITAL);
  const answerTo = (id: string) =>
    until(async () => answers().find(({ bytes }) => bytes.includes(`Original-Message-ID: <${id}@test>`)));

  beforeAll(async () => {
    operator = await startOperator();
    mailbox = await startMailbox();
    const server = { host: '127.0.0.1', security: 'none' };
    const smtp = { ...server, port: operator.port };
    const sending = await startGateway({
      PASSERELLE__destinations: JSON.stringify([{ name: 'mss', type: 'mail', from: `CH Alpha <${HOSPITAL}>`, smtp }]),
    });
    const mailOf = async (name: string) => {
      operator.taken.length = 0;
      const asked = golden(name)
        .toString('latin1')
        .replace(/(ACK_LECTURE_MSS\^MetaDMPMSS\|\|)N/, '$1Y');
      await sending.send(Buffer.from(asked, 'latin1'));
      return until(async () => operator.taken.find(({ to }) => to[0] === GP)?.bytes.toString('latin1'));
    };
    mail = await mailOf('hl7v2-mdm-t02');
    replacement = await mailOf('hl7v2-mdm-t10');
    await sending.remove();
    const imap = { ...server, port: mailbox.port, user: 'testuser', password: 'testpass' };
    gateway = await startGateway({
      PASSERELLE__destinations: JSON.stringify([
        { name: 'mss', type: 'mail', from: `Dr Traitant <${GP}>`, smtp, imap },
      ]),
    });
  });
  afterAll(async () => {
    await gateway?.remove();
    await operator.stop();
    await new Promise<void>((resolve) => mailbox.close(resolve));
  });

  test('taken in: processed, from an empty envelope, with the mail inside and its thread', async () => {
    put(renamed(mail, 'good'));
    const { from, bytes } = await answerTo('good');
    expect(from).toBe('');
    const told = await parsed(bytes);
    expect(told.subject).toBe('XDM/1.0/DDM+Compte rendu d’hospitalisation MARTIN-TEST LUCIE 29/02/1984');
    expect(told.inReplyTo).toBe('<good@test>');
    expect(told.headers.get('content-type')).toMatchObject({
      value: 'multipart/report',
      params: { 'report-type': 'disposition-notification' },
    });
    const text = bytes.toString('latin1');
    expect(text).toMatch(/^Disposition: automatic-action\/MDN-sent-automatically; processed\r$/m);
    expect(text).toContain(`Final-Recipient: rfc822;${GP}`);
    const original = text.indexOf('Content-Type: message/rfc822');
    expect(text.indexOf('IHE_XDM.zip', original)).toBeGreaterThan(original);
    expect((await read(bytes)).tree.report).toEqual({
      kind: 'disposition',
      originalMessageId: 'good@test',
      results: [{ recipient: GP, outcome: 'read' }],
    });
  });

  test('the same mail again is answered once only', async () => {
    put(renamed(mail, 'good'));
    await until(async () => seen());
    expect(answers()).toHaveLength(1);
  });

  test('a document that was changed on its way: KO with 906, in a field of its own, and the reason in words', async () => {
    const zip = /filename=IHE_XDM\.zip[\s\S]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+?)\r\n--/.exec(mail)![1]!;
    const bytes = Buffer.from(zip, 'base64');
    bytes[bytes.indexOf('DOC00001.XML') + 200]! ^= 0xff;
    put(renamed(mail.replace(zip, bytes.toString('base64').replace(/(.{76})/g, '$1\r\n')), 'changed'));
    const told = await answerTo('changed');
    const { subject } = await parsed(told.bytes);
    expect(subject).toMatch(/^\[KO Intégration système !\]\[906\] XDM\/1\.0\/DDM\+Compte rendu/);
    const text = told.bytes.toString('latin1');
    expect(text).toMatch(/^Disposition: automatic-action\/MDN-sent-automatically; processed\/error\r$/m);
    expect(text).toMatch(/^Error: 906\^Autre erreur\^messageErrorCondition\r$/m);
    expect((await read(told.bytes)).tree.report!.results).toEqual([{ recipient: GP, outcome: 'failed', code: '906' }]);
  });

  test('a known number with other traits is held for a person: KO with 904', async () => {
    const other = await rewritten(mail, (cda) => cda.replaceAll('19840229', '19850301'));
    put(renamed(other, 'traits'));
    const { subject } = await parsed((await answerTo('traits')).bytes);
    expect(subject).toContain('[KO Intégration système !][904]');
  });

  test('a replacement by people who have nothing to do with the document: KO with 901', async () => {
    const strange = (cda: string) =>
      numbered(cda, 9901)
        .replace(/(root="1\.2\.250\.1\.71\.4\.2\.1" extension=")[^"]+/g, '$1899988877766')
        .replace(/(root="1\.2\.250\.1\.71\.4\.2\.2" extension=")[^"]+/g, '$11988877766');
    put(renamed(await rewritten(replacement, strange), 'stranger'));
    const { subject } = await parsed((await answerTo('stranger')).bytes);
    expect(subject).toContain('[KO Intégration système !][901] [Annule et remplace] XDM/1.0/DDM+');
  });

  test('the author’s replacement is taken; a second one of the older version: KO with 900', async () => {
    put(renamed(replacement, 'newer'));
    expect((await answerTo('newer')).bytes.toString('latin1')).toMatch(/; processed\r$/m);
    put(renamed(await rewritten(replacement, (cda) => numbered(cda, 9902)), 'older'));
    const told = await answerTo('older');
    expect((await parsed(told.bytes)).subject).toContain('[KO Intégration système !][900]');
    expect((await read(told.bytes)).tree.report!.results).toEqual([{ recipient: GP, outcome: 'failed', code: '900' }]);
  });

  test('nobody is answered who did not ask, or who asks for another address', async () => {
    const before = answers().length;
    put(renamed(mail.replace(/^Disposition-Notification-To: .*\r\n/m, ''), 'silent'));
    put(
      renamed(mail.replace(/^Disposition-Notification-To: .*$/m, 'Disposition-Notification-To: else@x.test'), 'else'),
    );
    await until(async () => seen());
    await until(async () =>
      (await gateway.get('/messages')).body.messages.every((one: any) => one.state !== 'accepted'),
    );
    expect(answers()).toHaveLength(before);
    expect(operator.taken.filter(({ to }) => to[0] === 'else@x.test')).toEqual([]);
  });
});

/** The replacing document under another number. */
const numbered = (cda: string, number: number) => cda.replace('1.2.250.1.999.7.2.103', `1.2.250.1.999.7.2.${number}`);

/** The same mail with its document changed, number, hash and size put right. */
async function rewritten(mail: string, change: (cda: string) => string): Promise<string> {
  const { tree, parts } = await read(Buffer.from(mail, 'latin1'));
  const { write } = await import('../../src/formats/xdm/index.ts');
  const cda = change(Buffer.from(parts[0]!.bytes).toString('utf8'));
  const [document] = tree.documents;
  const replaced = document!.replaces?.value;
  const archive = await write({
    uniqueId: '2.25.1',
    sourceId: '1.2.3',
    title: 'x',
    submissionTime: '20240101000000',
    ...(replaced ? { replaces: replaced.replace('urn:oid:', '') } : {}),
    documents: [
      {
        uri: 'DOC00001.XML',
        bytes: Buffer.from(cda),
        mimeType: 'text/xml',
        uniqueId: /<id root="([^"]+)"/.exec(cda)![1]!,
        title: 'x',
        creationTime: '20240101000000',
        languageCode: 'fr-FR',
        confidentiality: [],
        patientId: document!.patientId!,
        sourcePatientInfo: [],
      },
    ],
  });
  const zip = /filename=IHE_XDM\.zip[\s\S]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+?)\r\n--/.exec(mail)![1]!;
  return mail.replace(
    zip,
    Buffer.from(archive)
      .toString('base64')
      .replace(/(.{76})/g, '$1\r\n'),
  );
}
