import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { segment, startHospital } from './listener.ts';
import { type Mailbox, type Operator, parsed, startMailbox, startOperator } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const GP = 'hugo.traitant@medecin.mssante.fr';

describe('the hospital hears what became of its document, servers in process', () => {
  let operator: Operator;
  let mailbox: Mailbox;
  let hospital: Awaited<ReturnType<typeof startHospital>>;
  let gateway: RunningGateway;
  const events = () => hospital.heard.map((one) => segment(one, 'MSH').split('|')[8]);
  const sent = (number: number) => {
    const id = `1.2.250.1.999.7.2.${9500 + number}`;
    const text = golden('hl7v2-mdm-t02').toString('latin1');
    const found = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/.exec(text)!;
    const cda = Buffer.from(found[2]!, 'base64').toString('utf8').replaceAll('1.2.250.1.999.7.2.101', id);
    const changed = text
      .replace(found[2]!, Buffer.from(cda).toString('base64'))
      .replaceAll('1.2.250.1.999.7.2.101', id)
      .replace('T02-1', `LATE-${number}`)
      .replace(/(ACK_LECTURE_MSS\^MetaDMPMSS\|\|)N/, '$1Y')
      .replace(/(\|DESTMSSANTEPAT\^DESTMSSANTEPAT\^MetaDMPMSS\|\|)Y/, '$1N');
    return gateway.send(Buffer.from(changed, 'latin1'));
  };
  const mailId = async () => (await parsed(operator.taken.at(-1)!.bytes)).messageId!;
  const report = (disposition: string, original: string) =>
    [
      `From: ${GP}`,
      `Message-ID: <${Math.random()}@medecin.mssante.fr>`,
      'Date: Tue, 03 Dec 2024 14:02:00 +0100',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=disposition-notification; boundary="X"',
      '',
      '--X',
      'Content-Type: text/plain',
      '',
      'lu',
      '--X',
      'Content-Type: message/disposition-notification',
      '',
      `Final-Recipient: rfc822;${GP}`,
      `Original-Message-ID: ${original}`,
      `Disposition: automatic-action/MDN-sent-automatically; ${disposition}`,
      '',
      '--X--',
      '',
    ].join('\r\n');

  beforeAll(async () => {
    operator = await startOperator();
    mailbox = await startMailbox();
    hospital = await startHospital();
    const server = { host: '127.0.0.1', security: 'none' };
    gateway = await startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([
        {
          name: 'mss',
          type: 'mail',
          from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
          smtp: { ...server, port: operator.port },
          imap: { ...server, port: mailbox.port, user: 'testuser', password: 'testpass' },
        },
        { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}`, answerSeconds: 0.5 },
      ]),
    });
  });
  afterAll(async () => {
    await gateway?.remove();
    await hospital.stop();
    await operator.stop();
    await new Promise<void>((resolve) => mailbox.close(resolve));
  });

  test('Z02 when the operator took the mail: who it is for, and the message it is about', async () => {
    await sent(1);
    await until(async () => hospital.heard.length === 1);
    const [message] = hospital.heard as [string];
    expect(read(Buffer.from(message)).faults).toEqual([]);
    expect(segment(message, 'MSH').split('|').slice(2, 9)).toEqual([
      'PASSERELLE',
      'PASSERELLE',
      'DPI',
      'CH-ALPHA',
      expect.stringMatching(/^\d{14}\+0000$/),
      '',
      'ZAM^Z02^ZAM_Z01',
    ]);
    expect(segment(message, 'OBX')).toBe(
      'OBX|1|CWE|ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM|LATE-1|Y^^expandedYes-NoIndicator||||||F',
    );
    expect(segment(message, 'OBX', 1)).toBe(
      `OBX|2|XTN|DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM|899900000017|^^X.400^${GP}||||||F`,
    );
  });

  test('Z03 when the MDN came; the Communication has the time; the MDN twice is told once', async () => {
    const original = await mailId();
    mailbox.appendMessage('INBOX', [], new Date(), report('processed', original));
    await until(async () => hospital.heard.length === 2);
    mailbox.appendMessage('INBOX', [], new Date(), report('processed', original));
    await until(async () => mailbox.getMailbox('INBOX').messages.every((one) => one.flags.includes('\\Seen')));
    expect(events()).toEqual(['ZAM^Z02^ZAM_Z01', 'ZAM^Z03^ZAM_Z01']);
    const { body } = await gateway.get('/fhir/R4/Communication');
    expect(body.entry[0].resource).toMatchObject({ status: 'completed', received: '2024-12-03T13:02:00.000Z' });
  });

  test('an MDN that refuses: Z03 with N and the code', async () => {
    await sent(2);
    await until(async () => hospital.heard.length === 3);
    mailbox.appendMessage('INBOX', [], new Date(), report('processed/Error: 902^Patient inconnu^x', await mailId()));
    await until(async () => hospital.heard.length === 4);
    expect(segment(hospital.heard[3]!, 'OBX')).toContain('|LATE-2|N^^');
    expect(segment(hospital.heard[3]!, 'ERR')).toContain('|902^^applicationErrorCondition');
  });

  test('a recipient the operator does not know: Z02 with N and the SMTP code', async () => {
    operator.answer.recipient = () => 550;
    await sent(3);
    await until(async () => hospital.heard.length === 5);
    operator.answer = {};
    expect(segment(hospital.heard[4]!, 'OBX')).toContain('|LATE-3|N^^');
    expect(segment(hospital.heard[4]!, 'ERR')).toContain('|550^^SMTPERRORCODE');
  });

  test('no acknowledgement: the same message again with the same MSH-10, on another connection', async () => {
    let silent = 1;
    hospital.answer = () => (silent-- > 0 ? undefined : 'AA');
    await sent(4);
    await until(async () => hospital.heard.length === 7);
    const [first, second] = hospital.heard.slice(5).map((one) => segment(one, 'MSH').split('|')[9]);
    expect(second).toBe(first);
  });

  test('the hospital’s listener away: the answer waits, and goes', async () => {
    const { port, heard } = hospital;
    await hospital.stop();
    await sent(5);
    await until(async () => gateway.lines.some((line) => line.includes('"hospital","down":true')));
    hospital = await startHospital(port);
    await until(async () => hospital.heard.length === 1);
    expect(segment(hospital.heard[0]!, 'OBX')).toContain('|LATE-5|Y^^');
    expect(heard).toHaveLength(7);
  });
});

test('a mailbox that asks to wait until patience ends: Z02 with N and the last SMTP code, once; the mail never goes', async () => {
  const operator = await startOperator();
  const hospital = await startHospital();
  operator.answer.recipient = () => 450;
  const gateway = await startGateway({
    // A third of a second: at least one attempt waits, and the one after it is the last.
    PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 0.0001 }),
    PASSERELLE__destinations: JSON.stringify([
      {
        name: 'mss',
        type: 'mail',
        from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
        smtp: { host: '127.0.0.1', port: operator.port, security: 'none' },
      },
      { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}` },
    ]),
  });
  try {
    await gateway.send(golden('hl7v2-mdm-t02'));
    // One for the professional, one for the patient.
    await until(async () => hospital.heard.length === 2);
    for (const one of hospital.heard) {
      expect(segment(one, 'MSH')).toContain('|ZAM^Z02^ZAM_Z01|');
      expect(segment(one, 'OBX')).toContain('|T02-1|N^^');
      expect(segment(one, 'ERR')).toContain('|450^^SMTPERRORCODE');
    }
    const [{ id }] = (await gateway.get('/messages')).body.messages;
    // The hospital is told before the end is written down.
    const mails = await until(async () => {
      const { deliveries } = (await gateway.get(`/messages/${id}`)).body;
      const found = deliveries.filter((one: any) => one.destination === 'mss');
      return found.length === 2 && found.every((one: any) => one.state === 'dead') && found;
    });
    for (const { issues } of mails)
      expect(issues.map((one: any) => one.details.coding[0].code)).toEqual(['mail-deferred', 'given-up']);
    expect([operator.taken, hospital.heard.length]).toEqual([[], 2]);
  } finally {
    await gateway.remove();
    await hospital.stop();
    await operator.stop();
  }
});
