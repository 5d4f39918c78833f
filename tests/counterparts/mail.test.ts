import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readArchive } from '../../src/formats/xdm/index.ts';
import { freePorts, GatewayProcess } from '../chaos/process.ts';
import { segment, startHospital } from '../e2e/listener.ts';
import { parsed } from '../e2e/mailboxes.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';
import { MailHouse, whyNoMailHouse } from './mail-house.ts';
import { cdaOf, document, GP, HOSPITAL, idOf } from './mails.ts';
import { type Wire, wireTo } from './wire.ts';

const FULL = 'plein@medecin.mssante.fr';
const FORWARDED = 'renvoi@medecin.mssante.fr';
jest.setTimeout(120_000);
const why = whyNoMailHouse();
if (why) console.warn(`Postfix and Dovecot are not tested: ${why}`);

(why ? describe.skip : describe)('secure mail with Postfix and Dovecot', () => {
  let house: MailHouse;
  let hospital: Awaited<ReturnType<typeof startHospital>>;
  let wire: Wire;
  let sending: RunningGateway;
  let practice: GatewayProcess;
  let token: string;

  const heard = (event: string, number: number) =>
    hospital.heard.find((one) => one.includes(`|ZAM^${event}^`) && one.includes(`|REAL-${number}|`));
  const answer = (event: string, number: number) => until(async () => heard(event, number), 40);
  const mailTo = (address: string, number: number) =>
    until(async () => {
      for (const { bytes } of house.inbox(address)) {
        const mail = await parsed(bytes);
        const zip = mail.attachments.find(({ filename }) => filename === 'IHE_XDM.zip');
        const archive = zip && (await readArchive(zip.content));
        const inside = archive?.documents.find(({ uniqueId }) => uniqueId === idOf(number));
        if (inside) return { mail, inside };
      }
      return undefined;
    });
  const fhir = async (path: string) => {
    const response = await fetch(`${practice.url}/fhir/R4/${path}`, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json()) as any;
  };
  const arrived = (number: number) =>
    until(async () => {
      const { total, entry } = await fhir(`DocumentReference?identifier=urn:oid:${idOf(number)}&_total=accurate`);
      return total > 0 ? { total: total as number, resource: entry[0].resource } : undefined;
    }, 60);
  const communication = (number: number) =>
    until(async () => {
      const { body } = await sending.get(`/fhir/R4/DocumentReference?identifier=urn:oid:${idOf(number)}`);
      const reference = `DocumentReference/${body.entry?.[0]?.resource.id}`;
      const found = (await sending.get('/fhir/R4/Communication?_count=100')).body;
      return found.entry?.map((one: any) => one.resource).find((one: any) => one.about[0].reference === reference);
    });

  beforeAll(async () => {
    house = await MailHouse.start([HOSPITAL, GP, FULL], { [FORWARDED]: FULL });
    hospital = await startHospital();
    wire = await wireTo(house.ports.imap);
    sending = await startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.2, maxSeconds: 0.5, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([
        {
          name: 'mss',
          type: 'mail',
          from: `CH Alpha <${HOSPITAL}>`,
          smtp: house.smtp(HOSPITAL),
          imap: house.imap(HOSPITAL),
        },
        { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}` },
      ]),
    });
    const imap = { host: '127.0.0.1', port: wire.port, security: 'none', user: GP, password: house.password };
    const [http, mllp] = await freePorts(2);
    practice = new GatewayProcess([http!, mllp!], {
      destinations: [{ name: 'mss', type: 'mail', from: `Dr Traitant <${GP}>`, smtp: house.smtp(GP), imap }],
    });
    await practice.start();
    token = await practice.token();
  }, 240_000);
  afterAll(async () => {
    await practice?.kill();
    practice?.remove();
    await sending?.remove();
    await hospital?.stop();
    await wire?.stop();
    await house?.remove();
  }, 120_000);

  test('STARTTLS, client certificate, password: in the GP’s mailbox, the CDA byte for byte', async () => {
    expect(await sending.send(document(1))).toMatchObject({ code: 'AA' });
    const { mail, inside } = await mailTo(GP, 1);
    expect(Buffer.from(inside.bytes).equals(cdaOf(1))).toBe(true);
    expect(mail.headers.get('x-mss-ins')).toBe('O');
    const received = [mail.headers.get('received')].flat().join(' ');
    expect(received).toContain('ESMTPSA');
  });

  test('taken in by IMAP IDLE once, with the same patient, document and sections as by MLLP', async () => {
    const { total, resource } = await arrived(1);
    expect(total).toBe(1);
    const there = (await sending.get(`/fhir/R4/DocumentReference?identifier=urn:oid:${idOf(1)}`)).body.entry[0]
      .resource;
    const facts = (one: any) => [
      one.masterIdentifier,
      one.type,
      one.date,
      one.content.map((c: any) => c.attachment.hash),
    ];
    expect(facts(resource)).toEqual(facts(there));
    const sections = (bundle: any) => bundle.entry[0].resource.section;
    const query = 'Composition?type=http://loinc.org|34112-3&_count=1';
    expect(sections(await fhir(query))).toEqual(sections((await sending.get(`/fhir/R4/${query}`)).body));
    const patient = await fhir('Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|284026912345689');
    expect(patient.total).toBe(1);
    await until(async () => house.inbox(GP).every(({ seen }) => seen));
  });

  test('the GP’s software answers: Z02 and Z03 with Y at the hospital, the Communication has the time', async () => {
    expect(segment(await answer('Z02', 1), 'OBX')).toContain('|REAL-1|Y^^');
    expect(segment(await answer('Z03', 1), 'OBX')).toContain('|REAL-1|Y^^');
    await until(async () => (await communication(1)).received);
    expect(await communication(1)).toMatchObject({ status: 'completed', sent: expect.any(String) });
  });

  test('an unknown recipient: Postfix says 550, Z02 with N and 550', async () => {
    await sending.send(document(2, 'personne@medecin.mssante.fr'));
    const told = await answer('Z02', 2);
    expect(segment(told, 'OBX')).toContain('|N^^');
    expect(segment(told, 'ERR')).toContain('|550^^SMTPERRORCODE');
    expect(await communication(2)).toMatchObject({ status: 'not-done' });
  });

  test('a full mailbox: 552 in the session, Z02 with N and 552', async () => {
    await sending.send(document(3, FULL));
    const told = await answer('Z02', 3);
    expect(segment(told, 'ERR')).toContain('|552^^SMTPERRORCODE');
    expect(house.inbox(FULL)).toEqual([]);
  });

  test('a full mailbox behind an alias: taken, then a delivery report with 5.2.2 comes back', async () => {
    await sending.send(document(4, FORWARDED));
    const told = await until(
      async () => hospital.heard.find((one) => one.includes('|REAL-4|') && segment(one, 'OBX').includes('|N^^')),
      40,
    );
    expect(segment(told, 'ERR')).toContain('|552^^SMTPERRORCODE');
    await until(async () => (await communication(4)).status === 'not-done');
  });

  test('greylisting: put off twice with 450, then in the mailbox once', async () => {
    house.greylist.deferred.set(GP, 2);
    await sending.send(document(5));
    await mailTo(GP, 5);
    expect(house.log().match(/450 4\.2\.0 .*Greylisted/g)).toHaveLength(2);
    expect((await arrived(5)).total).toBe(1);
  });

  test('Postfix away: the mail waits and goes once it is back', async () => {
    await house.close();
    await sending.send(document(6));
    await until(async () => sending.lines.some((line) => line.includes('"mss","down":true')));
    await house.open();
    await mailTo(GP, 6);
    expect((await arrived(6)).total).toBe(1);
  }, 180_000);

  test('the line is cut in the middle of a mail: fetched again, there once', async () => {
    wire.cuts = 2;
    await sending.send(document(7));
    expect((await arrived(7)).total).toBe(1);
    expect(wire.cuts).toBe(0);
    await until(async () => house.inbox(GP).every(({ seen }) => seen));
  }, 120_000);

  test('kill -9 between fetch and commit, at five moments: nothing is lost, nothing is there twice', async () => {
    for (const [round, delay] of [0, 1, 3, 6, 12].entries()) {
      const number = 20 + round;
      const killed = new Promise<void>((resolve) => {
        wire.onMail = (passed, size) => {
          if (passed < size) return;
          wire.onMail = () => {};
          setTimeout(() => resolve(practice.kill()), delay);
        };
      });
      await sending.send(document(number));
      await killed;
      await practice.start();
    }
    for (const number of [20, 21, 22, 23, 24]) expect((await arrived(number)).total).toBe(1);
    await until(async () => house.inbox(GP).every(({ seen }) => seen));
    const unread = () => [20, 21, 22, 23, 24].filter((number) => !heard('Z03', number));
    await until(async () => unread().length === 0, 90).catch(() => expect(unread()).toEqual([]));
    const notices = house.inbox(HOSPITAL).filter(({ bytes }) => bytes.includes('message/disposition-notification'));
    // SMTP cannot be asked whether it has a mail already: one that was handed over just before the kill goes again under the
    // same Message-ID, and the hospital hears of it once.
    const told = notices.map(({ bytes }) => {
      const text = bytes.toString('latin1');
      const id = /^Message-ID: (.*)$/im.exec(text)?.[1];
      return { id, about: /^Original-Message-ID: (.*)$/m.exec(text)?.[1] };
    });
    expect(new Set(told.map(({ id }) => id)).size).toBe(new Set(told.map(({ about }) => about)).size);
    const readings = (number: number) =>
      hospital.heard.filter((one) => one.includes('|ZAM^Z03^') && one.includes(`|REAL-${number}|`)).length;
    expect([20, 21, 22, 23, 24].map(readings)).toEqual([1, 1, 1, 1, 1]);
  }, 400_000);
});
