import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { unzip } from '../adapters/unzip.ts';
import { type Operator, parsed, startOperator, type Taken } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const GP = 'hugo.traitant@medecin.mssante.fr';
const PATIENT = '284026912345689@patient.mssante.fr';
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;

/** The same message with other control and document ids, so that it is a new one; `change` may alter message and CDA. */
function variant(number: number, change: { message?: (text: string) => string; cda?: (text: string) => string } = {}) {
  const id = `1.2.250.1.999.7.2.${9000 + number}`;
  const text = golden('hl7v2-mdm-t02').toString('latin1');
  const cda = Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8').replaceAll('1.2.250.1.999.7.2.101', id);
  const payload = Buffer.from(change.cda ? change.cda(cda) : cda, 'utf8').toString('base64');
  const message = text
    .replace(LEADER, `$1${payload}`)
    .replaceAll('1.2.250.1.999.7.2.101', id)
    .replace('T02-1', `T02-M${number}`);
  return Buffer.from(change.message ? change.message(message) : message, 'latin1');
}

const flag = (name: string, value: 'Y' | 'N') => (text: string) =>
  text.replace(new RegExp(`(\\|${name}\\^${name}\\^MetaDMPMSS\\|\\|)[YN]`), `$1${value}`);

const codesOf = (delivery: any): string[] => delivery.issues.map((one: any) => one.details.coding[0].code);

function programThere(name: string, ...args: string[]): boolean {
  try {
    execFileSync(name, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('secure mail out, SMTP server in process (Postfix and Dovecot are a run of their own)', () => {
  let operator: Operator;
  let gateway: RunningGateway;
  const scratch = mkdtempSync(join(tmpdir(), 'passerelle-mail-'));

  const start = (smtp: object) =>
    startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([
        {
          name: 'mss',
          type: 'mail',
          from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
          smtp: { host: '127.0.0.1', security: 'none', timeoutSeconds: 5, ...smtp },
        },
      ]),
    });
  const mailsTo = (address: string) => operator.taken.filter((one) => one.to.includes(address));
  const quiet = () =>
    until(async () => {
      const { body } = await gateway.get('/messages');
      const deliveries = (
        await Promise.all(body.messages.map((one: any) => gateway.get(`/messages/${one.id}`)))
      ).flatMap((one: any) => one.body.deliveries ?? []);
      const waits = body.messages.some((one: any) => one.state === 'accepted');
      return !waits && deliveries.every((one: any) => one.state !== 'waiting') && { deliveries };
    });

  beforeAll(async () => {
    operator = await startOperator();
    gateway = await start({ port: operator.port });
  });
  beforeEach(() => {
    operator.taken.length = 0;
    operator.answer = {};
  });
  afterAll(async () => {
    await gateway.remove();
    await operator.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  let first: Taken;
  test('T02 goes to the professional and to the patient; nobody else', async () => {
    expect(await gateway.send(golden('hl7v2-mdm-t02'))).toMatchObject({ code: 'AA' });
    await quiet();
    expect(operator.taken.map((one) => one.to).sort()).toEqual([[PATIENT], [GP]]);
    first = mailsTo(GP)[0]!;
    expect(first.from).toBe('cardiologie@ch-alpha.mssante.fr');
  });

  test('subject, headers and text are those of the MSSanté rules', async () => {
    const mail = await parsed(first.bytes);
    expect(mail.subject).toBe('XDM/1.0/DDM+Compte rendu d’hospitalisation MARTIN-TEST LUCIE 29/02/1984');
    expect(mail.headers.get('x-mss-codecda')).toBe('34112-3');
    expect(mail.headers.get('x-mss-ins')).toBe('O');
    expect(mail.headers.get('x-mss-nil')).toBe('PASSERELLE-0');
    expect(mail.headers.has('x-mss-mes')).toBe(false);
    expect(mail.headers.has('disposition-notification-to')).toBe(false);
    expect(mail.replyTo?.value[0]?.address).toBe('cardiologie@ch-alpha.mssante.fr');
    expect(mail.text?.trim()).toBe('Cher confrère, voici le compte rendu.');
    expect(mail.messageId).toMatch(/^<[0-9a-f]{40}@passerelle\.example>$/);
    expect(first.bytes.toString('latin1')).toMatch(/^[\x00-\x7f]*$/);
  });

  test('the archive opens, holds the very bytes that were sent, and says their hash and size', async () => {
    const mail = await parsed(first.bytes);
    expect(mail.attachments.map((one) => one.filename)).toEqual([
      'IHE_XDM.zip',
      '20240115_CR hospitalier (séjour)_MARTIN-TEST_LUCIE.pdf',
    ]);
    const files = unzip(mail.attachments[0]!.content);
    expect([...files.keys()]).toEqual([
      'INDEX.HTM',
      'README.TXT',
      'IHE_XDM/SUBSET01/METADATA.XML',
      'IHE_XDM/SUBSET01/DOC00001.XML',
    ]);
    const sent = Buffer.from(read(golden('hl7v2-mdm-t02')).parts[0]!.bytes);
    expect(files.get('IHE_XDM/SUBSET01/DOC00001.XML')!.equals(sent)).toBe(true);
    const metadata = files.get('IHE_XDM/SUBSET01/METADATA.XML')!.toString('utf8');
    for (const value of [
      createHash('sha1').update(sent).digest('hex'),
      `<rim:Value>${sent.length}</rim:Value>`,
      '284026912345689^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH',
      '899900000025^SOIGNANT-TEST^Inès^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS',
      'value="1.2.250.1.999.7.2.101"',
    ]) {
      expect(metadata).toContain(value);
    }
  });

  const python = programThere('python3', '-c', 'import email, zipfile');
  (python ? test : test.skip)('Python’s email and zipfile read the same (skipped without python3)', () => {
    const file = join(scratch, 'mail.eml');
    writeFileSync(file, first.bytes);
    const program = `
import email, email.policy, io, json, sys, zipfile, hashlib
m = email.message_from_bytes(open(sys.argv[1], 'rb').read(), policy=email.policy.default)
a = list(m.iter_attachments())
z = zipfile.ZipFile(io.BytesIO(a[0].get_content()))
assert z.testzip() is None
print(json.dumps([m['subject'], [p.get_content_type() for p in m.walk()], m.defects == [], hashlib.sha1(z.read('IHE_XDM/SUBSET01/DOC00001.XML')).hexdigest()]))`;
    const seen = JSON.parse(execFileSync('python3', ['-c', program, file], { encoding: 'utf8' }));
    const sent = read(golden('hl7v2-mdm-t02')).parts[0]!.bytes;
    expect(seen).toEqual([
      'XDM/1.0/DDM+Compte rendu d’hospitalisation MARTIN-TEST LUCIE 29/02/1984',
      ['multipart/mixed', 'text/plain', 'application/zip', 'application/pdf'],
      true,
      createHash('sha1').update(sent).digest('hex'),
    ]);
  });

  const ordinary = programThere('unzip', '-v');
  (ordinary ? test : test.skip)('unzip tests the archive without a complaint (skipped without unzip)', async () => {
    const file = join(scratch, 'IHE_XDM.zip');
    writeFileSync(file, (await parsed(first.bytes)).attachments[0]!.content);
    expect(execFileSync('unzip', ['-t', file], { encoding: 'utf8' })).toContain('No errors detected');
  });

  test('the patient’s mail closes the exchange when the hospital said so', async () => {
    await gateway.send(variant(1));
    await quiet();
    const mail = await parsed(mailsTo(PATIENT)[0]!.bytes);
    expect(mail.headers.get('x-mss-mes')).toBe('FIN');
    expect(mail.text).toContain('Bonjour');
  });

  test('the same message again: no second mail', async () => {
    await gateway.send(golden('hl7v2-mdm-t02'));
    await gateway.send(variant(1));
    await quiet();
    expect(operator.taken.length).toBe(0);
  });

  test('INVISIBLE_PATIENT = Y: nothing goes to the patient, whatever else is asked', async () => {
    await gateway.send(variant(2, { message: flag('INVISIBLE_PATIENT', 'Y') }));
    await quiet();
    expect(operator.taken.map((one) => one.to)).toEqual([[GP]]);
  });

  test('a patient’s mailbox named as a professional’s is not written to when the document is hidden', async () => {
    const named = (text: string) =>
      flag('INVISIBLE_PATIENT', 'Y')(text).replace('hugo.traitant@medecin.mssante.fr', PATIENT);
    await gateway.send(variant(3, { message: named }));
    await quiet();
    expect(mailsTo(PATIENT).length).toBe(0);
  });

  test('an identity that is not qualified: nothing to the patient’s box, and the dead letter says why', async () => {
    const other = (text: string) =>
      text
        .replaceAll('284026912345689', '185057800608436')
        .replaceAll('MARTIN-TEST', 'INCONNU-TEST')
        .replaceAll('770001', '770099');
    const message = (text: string) => other(text).replace('||VALI|', '||PROV|');
    await gateway.send(variant(4, { message, cda: other }));
    const { deliveries } = await quiet();
    expect(mailsTo('185057800608436@patient.mssante.fr').length).toBe(0);
    const dead = deliveries.filter((one: any) => one.state === 'dead');
    expect(dead.flatMap((one: any) => codesOf(one))).toContain('mail-patient-unqualified');
    const mail = await parsed(mailsTo(GP)[0]!.bytes);
    expect(mail.headers.get('x-mss-ins')).toBe('N');
  });

  test('T10: [Annule et remplace], and the metadata names the document it replaces', async () => {
    await gateway.send(golden('hl7v2-mdm-t10'));
    await quiet();
    const mail = await parsed(mailsTo(GP)[0]!.bytes);
    expect(mail.subject).toMatch(/^\[Annule et remplace\] XDM\/1\.0\/DDM\+/);
    const metadata = async ({ bytes }: { bytes: Buffer }) =>
      unzip((await parsed(bytes)).attachments[0]!.content)
        .get('IHE_XDM/SUBSET01/METADATA.XML')!
        .toString();
    const [, replaced] = /<rim:ExtrinsicObject id="(urn:uuid:[^"]+)"/.exec(await metadata(first))!;
    expect(await metadata(mailsTo(GP)[0]!)).toMatch(
      new RegExp(`RPLC" sourceObject="urn:uuid:[^"]+" targetObject="${replaced}"`),
    );
  });

  test('4yz: waits and goes; 550: ends dead with its reason', async () => {
    let refusals = 2;
    operator.answer.recipient = (address) => (address === GP ? (refusals-- > 0 ? 450 : undefined) : 550);
    await gateway.send(variant(5));
    const { deliveries } = await quiet();
    expect(mailsTo(GP)).toHaveLength(1);
    expect(mailsTo(PATIENT).length).toBe(0);
    const refused = deliveries.flatMap((one: any) => (one.state === 'dead' ? codesOf(one) : []));
    expect(refused).toContain('mail-refused');
  });

  const hide = async (uniqueId: string) => {
    const found = await gateway.get(`/fhir/R4/DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:${uniqueId}`);
    const { id, securityLabel = [] } = found.body.entry[0].resource;
    const coding = [
      { system: 'https://mos.esante.gouv.fr/NOS/TRE_A08-HL7Confidentiality/FHIR/TRE-A08', code: 'INVISIBLE_PATIENT' },
    ];
    const answer = await fetch(`${gateway.url}/fhir/R4/DocumentReference/${id}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${await gateway.token()}`,
        'content-type': 'application/json-patch+json',
      },
      body: JSON.stringify([{ op: 'add', path: '/securityLabel', value: [...securityLabel, { coding }] }]),
    });
    expect(answer.status).toBe(200);
  };

  test('hidden while the patient’s mail waits: it never goes, and the dead letter says why', async () => {
    operator.answer.recipient = (address) => (address === PATIENT ? 450 : undefined);
    await gateway.send(variant(7));
    await until(async () => mailsTo(GP).length === 1);
    await hide('1.2.250.1.999.7.2.9007');
    // The mailbox refuses to the end: an attempt that had read the document before it was hidden must not get through now.
    const { deliveries } = await quiet();
    expect(mailsTo(PATIENT).length).toBe(0);
    const dead = deliveries.filter((one: any) => one.state === 'dead');
    expect(dead.flatMap((one: any) => codesOf(one))).toContain('mail-hidden-from-patient');
  });

  test('hidden after the mail has gone: a replay sends nothing to anybody', async () => {
    await gateway.send(variant(8));
    await quiet();
    expect(mailsTo(PATIENT)).toHaveLength(1);
    operator.taken.length = 0;
    await hide('1.2.250.1.999.7.2.9008');
    const { messages } = (await gateway.get('/messages?state=delivered')).body;
    expect((await gateway.post(`/messages/${messages[0].id}/replay`, '')).status).toBe(202);
    await quiet();
    expect(operator.taken).toHaveLength(0);
  });

  test('longer than the 25 MB of MSSanté once it is a mail: it goes nowhere, and the dead letters say so', async () => {
    const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(10_000_000), Buffer.from('%%EOF\n')]);
    const cda = (text: string) => text.replace(/JVBERi[A-Za-z0-9+/=]+/, pdf.toString('base64'));
    expect(await gateway.send(variant(9, { cda }))).toMatchObject({ code: 'AA' });
    await quiet();
    expect(operator.taken).toHaveLength(0);
    const { messages } = (await gateway.get('/messages?limit=1')).body;
    const { deliveries } = (await gateway.get(`/messages/${messages[0].id}`)).body;
    expect(deliveries.map((one: any) => [one.state, ...codesOf(one)])).toEqual([
      ['dead', 'mail-too-large'],
      ['dead', 'mail-too-large'],
    ]);
  });

  test('server down: the mail waits, then goes once; the Message-ID stays', async () => {
    const { port } = operator;
    await operator.stop();
    await gateway.send(variant(6));
    await until(async () => gateway.lines.some((line) => line.includes('destination changed')));
    operator = await startOperator(port);
    await until(async () => operator.taken.length === 2);
    await quiet();
    expect(operator.taken.map((one) => one.to).sort()).toEqual([[PATIENT], [GP]]);
  });

  test('what was sent is a Communication on the FHIR server', async () => {
    const { body } = await gateway.get('/fhir/R4/Communication?status=completed&_count=100');
    expect(body.entry.length).toBeGreaterThanOrEqual(2);
    expect(body.entry[0].resource).toMatchObject({ sent: expect.any(String), category: [{ text: 'MSSanté' }] });
  });

  test('nothing about a patient is in the log', () => {
    const text = gateway.lines.join('\n');
    for (const one of ['MARTIN', 'LUCIE', '284026912345689', 'hugo.traitant']) expect(text).not.toContain(one);
  });
});
