import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Mailbox, type Operator, parsed, startMailbox, startOperator } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));

/** The same message with its documents under other numbers. */
function withIds(message: string, numbers: Record<string, string>): string {
  const renumbered = (text: string) =>
    text.replace(/1\.2\.250\.1\.999\.7\.2\.(\d+)/g, (_, id: string) => `1.2.250.1.999.7.2.${numbers[id] ?? id}`);
  const payload = /\^Base64\^([A-Za-z0-9+/=]{200,})/.exec(message)![1]!;
  const cda = renumbered(Buffer.from(payload, 'base64').toString('utf8'));
  return renumbered(message.replace(payload, Buffer.from(cda).toString('base64')));
}

const seen = (server: Mailbox) =>
  server.getMailbox('INBOX').messages.filter((one) => one.flags.includes('\\Seen')).length;

describe('secure mail in, IMAP and SMTP servers in process (Postfix and Dovecot are a run of their own)', () => {
  let operator: Operator;
  let mailbox: Mailbox;
  let sending: RunningGateway;
  let receiving: RunningGateway;
  const put = (raw: string) => mailbox.appendMessage('INBOX', [], new Date(), raw);
  const taken = async () => (await receiving.get('/messages')).body.messages as { state: string; kind: string }[];
  const total = async (gateway: RunningGateway, query: string) =>
    (await gateway.get(`/fhir/R4/${query}`)).body.total as number;

  const imap = () => ({
    host: '127.0.0.1',
    port: mailbox.port,
    security: 'none',
    user: 'testuser',
    password: 'testpass',
  });

  beforeAll(async () => {
    operator = await startOperator();
    mailbox = await startMailbox();
    const smtp = { host: '127.0.0.1', port: operator.port, security: 'none' };
    const destinations = [{ name: 'mss', type: 'mail', from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>', smtp }];
    sending = await startGateway({ PASSERELLE__destinations: JSON.stringify(destinations) });
    const doors = [
      { name: 'http-in', type: 'http-in' },
      { name: 'fhir-api', type: 'fhir-api' },
      { name: 'mss', type: 'mail', imap: imap() },
    ];
    receiving = await startGateway({ PASSERELLE__doors: JSON.stringify(doors) });
  });
  afterAll(async () => {
    await receiving?.remove();
    await sending?.remove();
    await operator.stop();
    await new Promise<void>((resolve) => mailbox.close(resolve));
  });

  test('the mail of an MLLP message yields the same patient, document and sections there', async () => {
    await sending.send(golden('hl7v2-mdm-t02'));
    await until(async () => operator.taken.length === 2);
    put(operator.taken.find(({ to }) => to[0] === 'hugo.traitant@medecin.mssante.fr')!.bytes.toString('latin1'));
    await until(async () => (await taken()).length === 1 && seen(mailbox) === 1);
    await until(async () => (await taken()).every(({ state }) => state !== 'accepted'));
    expect(await taken()).toMatchObject([{ state: 'delivered', kind: 'mail 34112-3' }]);
    const ins = encodeURIComponent('urn:oid:1.2.250.1.213.1.4.10|284026912345689');
    const of = async (gateway: RunningGateway) => {
      const get = async (query: string) => (await gateway.get(`/fhir/R4/${query}`)).body.entry?.[0]?.resource;
      const document = await get(`DocumentReference?patient.identifier=${ins}`);
      const composition = await get(`Composition?patient.identifier=${ins}`);
      const patient = await get(`Patient?identifier=${ins}`);
      return {
        birthDate: patient.birthDate,
        official: patient.name.find((one: any) => one.use === 'official'),
        master: document.masterIdentifier,
        hashes: document.content.map((one: any) => one.attachment.hash),
        type: document.type,
        title: composition.title,
        sections: composition.section,
      };
    };
    expect(await of(receiving)).toEqual(await of(sending));
  });

  test('the same mail once more is the same message', async () => {
    put(operator.taken.find(({ to }) => to[0] === 'hugo.traitant@medecin.mssante.fr')!.bytes.toString('latin1'));
    await until(async () => seen(mailbox) === 2);
    expect(await taken()).toHaveLength(1);
    expect(await total(receiving, 'DocumentReference?_summary=count')).toBe(1);
  });

  test('a PDF alone becomes a document without patient and a task to identify it', async () => {
    const pdf = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n').toString('base64');
    put(
      [
        'From: labo@labo.mssante.fr',
        'To: gateway@ch-alpha.mssante.fr',
        'Subject: =?utf-8?q?R=C3=A9sultats?=',
        'Message-ID: <pdf-1@labo.mssante.fr>',
        'Date: Tue, 03 Dec 2019 14:02:00 +0100',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="X"',
        '',
        '--X',
        'Content-Type: text/plain',
        '',
        'Voir ci-joint.',
        '--X',
        'Content-Type: application/octet-stream; name="r.pdf"',
        'Content-Disposition: attachment; filename="r.pdf"',
        'Content-Transfer-Encoding: base64',
        '',
        pdf,
        '--X--',
        '',
      ].join('\r\n'),
    );
    await until(
      async () => (await taken()).length === 2 && (await taken()).every(({ state }) => state === 'delivered'),
    );
    const { body } = await receiving.get('/fhir/R4/Task?status=requested');
    expect(body.entry[0].resource.focus.reference).toMatch(/^DocumentReference\//);
    const found = (await receiving.get(`/fhir/R4/${body.entry[0].resource.focus.reference}`)).body;
    expect(found).toMatchObject({
      description: 'Résultats',
      content: [{ attachment: { contentType: 'application/pdf' } }],
    });
    expect(found.subject).toBeUndefined();
  });

  test('a withdrawal travels: the archive says D, and the document is taken back there too', async () => {
    const before = operator.taken.length;
    await sending.send(Buffer.from(withIds(golden('hl7v2-mdm-t04').toString('latin1'), { 104: '101' }), 'latin1'));
    await until(async () => operator.taken.length > before);
    const mail = operator.taken[before]!.bytes;
    const { subject, inReplyTo, references } = await parsed(mail);
    expect(subject).toMatch(/^\[Suppression\] XDM\/1\.0\/DDM\+/);
    const first = await parsed(operator.taken.find(({ to }) => to[0] === operator.taken[before]!.to[0])!.bytes);
    expect([inReplyTo, [references].flat().at(-1)]).toEqual([first.messageId, first.messageId]);
    put(mail.toString('latin1'));
    const ins = encodeURIComponent('urn:oid:1.2.250.1.213.1.4.10|284026912345689');
    const status = async () =>
      (await receiving.get(`/fhir/R4/DocumentReference?patient.identifier=${ins}`)).body.entry?.[0]?.resource.status;
    await until(async () => (await status()) === 'entered-in-error');
    await until(async () => (await taken())[0].state === 'delivered');
  });

  test('a replacement travels, though only the message and the metadata say which document it replaces', async () => {
    const document = async (id: string) =>
      (await receiving.get(`/fhir/R4/DocumentReference?identifier=urn:oid:1.2.250.1.999.7.2.${id}`)).body.entry?.[0]
        ?.resource;
    const gp = () => operator.taken.find(({ to }) => to[0] === 'hugo.traitant@medecin.mssante.fr');
    const sentBy = async (message: string) => {
      operator.taken.length = 0;
      await sending.send(Buffer.from(message, 'latin1'));
      put((await until(async () => gp())).bytes.toString('latin1'));
    };
    // Numbers of their own: the document of before has been withdrawn.
    const other = (name: string) => withIds(golden(name).toString('latin1'), { 101: '801', 103: '803' });
    await sentBy(other('hl7v2-mdm-t02').replace('T02-1', 'T02-801'));
    await until(async () => (await document('801'))?.status === 'current');
    expect((await document('801')).identifier).toContainEqual(
      expect.objectContaining({ value: expect.stringMatching(/^urn:uuid:/) }),
    );
    await sentBy(other('hl7v2-mdm-t10').replace('T10-1', 'T10-803'));
    await until(async () => (await document('801'))?.status === 'superseded');
    const replacing = await document('803');
    const target = { identifier: { value: 'urn:oid:1.2.250.1.999.7.2.801' } };
    expect(replacing).toMatchObject({ status: 'current', relatesTo: [{ code: 'replaces', target }] });
  });

  test('a changed document is refused, kept, and not looked at again', async () => {
    const [mail] = operator.taken.map(({ bytes }) => bytes.toString('latin1'));
    const zip = /filename=IHE_XDM\.zip[\s\S]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+?)\r\n--/.exec(mail!)![1]!;
    const bytes = Buffer.from(zip, 'base64');
    // Inside the document, wherever the metadata before it end.
    bytes[bytes.indexOf('DOC00001.XML') + 200]! ^= 0xff;
    const changed = mail!
      .replace(zip, bytes.toString('base64').replace(/(.{76})/g, '$1\r\n'))
      .replace(/^Message-ID: </m, '$&x');
    const before = seen(mailbox);
    put(changed);
    await until(async () => seen(mailbox) === before + 1);
    expect((await taken())[0]).toMatchObject({ state: 'refused' });
  });

  test('nothing about a patient is in the log', () => {
    const text = receiving.lines.join('\n');
    for (const one of ['MARTIN', 'LUCIE', '284026912345689']) expect(text).not.toContain(one);
  });
});
