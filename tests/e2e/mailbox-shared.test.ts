import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postgresServer } from '../journal/postgres-server.ts';
import { startFhirServer } from './fhir-server.ts';
import { type Mailbox, startLine, startMailbox } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

/** A PDF by mail; without a Message-ID it is known by its bytes. */
function letter(name: string, isNamed = true): string {
  const pdf = Buffer.from(`%PDF-1.4\n1 0 obj<<>>endobj\n% ${name}\ntrailer<<>>\n%%EOF\n`).toString('base64');
  return [
    'From: labo@labo.mssante.fr',
    ...(isNamed ? [`Message-ID: <${name}@labo.mssante.fr>`] : []),
    'MIME-Version: 1.0',
    'Content-Type: application/pdf; name="r.pdf"',
    'Content-Disposition: attachment; filename="r.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    pdf,
    '',
  ].join('\r\n');
}

const doorTo = ({ port }: { port: number }) =>
  JSON.stringify([
    { name: 'fhir-api', type: 'fhir-api' },
    {
      name: 'mss',
      type: 'mail',
      imap: { host: '127.0.0.1', port, security: 'none', user: 'testuser', password: 'testpass' },
    },
  ]);
const put = (mailbox: Mailbox, raw: string) => mailbox.appendMessage('INBOX', [], new Date(), raw);
const isEmptied = (mailbox: Mailbox, count: number) => {
  const { messages } = mailbox.getMailbox('INBOX');
  return messages.length === count && messages.every((one) => one.flags.includes('\\Seen'));
};
const isDone = async (gateway: RunningGateway) =>
  (await gateway.get('/messages?state=accepted')).body.messages.length === 0;

describe('a mailbox that was restored: its UIDs mean other mails now (UIDVALIDITY)', () => {
  const mailboxes: Mailbox[] = [];
  let line: Awaited<ReturnType<typeof startLine>>;
  let gateway: RunningGateway;
  beforeAll(async () => {
    mailboxes.push(await startMailbox(), await startMailbox({ uidvalidity: 77 }));
    line = await startLine(mailboxes[0]!.port);
    gateway = await startGateway({ PASSERELLE__doors: doorTo(line) });
  });
  afterAll(async () => {
    await gateway?.remove();
    await line?.stop();
    for (const one of mailboxes) await new Promise<void>((resolve) => one.close(resolve));
  });

  test('what was taken is known again, what is new is taken, though it has the number of another', async () => {
    const [before, after] = mailboxes as [Mailbox, Mailbox];
    for (const name of ['a', 'b', 'c']) put(before, letter(name));
    await until(async () => isEmptied(before, 3));
    for (const name of ['d', 'c', 'b', 'a']) put(after, letter(name));
    line.target = after.port;
    line.cut();
    await until(async () => isEmptied(after, 4));
    await until(() => isDone(gateway));
    expect((await gateway.get('/messages')).body.messages).toHaveLength(4);
    expect((await gateway.get('/fhir/R4/DocumentReference?_summary=count')).body.total).toBe(4);
  });
});

const server = await postgresServer();
if (!server) console.warn('two gateways on one mailbox are not tested: no PostgreSQL on this machine');

(server ? describe : describe.skip)('two gateways on one mailbox and one journal (PostgreSQL)', () => {
  let mailbox: Mailbox;
  let fhir: Awaited<ReturnType<typeof startFhirServer>>;
  const gateways: RunningGateway[] = [];
  beforeAll(async () => {
    [mailbox, fhir] = [await startMailbox(), await startFhirServer()];
    for (let number = 0; number < 20; number++) put(mailbox, letter(`before-${number}`, number % 5 > 0));
    const environment = {
      PASSERELLE_FHIR: fhir.base,
      PASSERELLE_JOURNAL: server!.url,
      PASSERELLE__doors: doorTo(mailbox),
    };
    gateways.push(...(await Promise.all([startGateway(environment), startGateway(environment)])));
  });
  afterAll(async () => {
    for (const one of gateways) await one.remove();
    await new Promise<void>((resolve) => mailbox.close(resolve));
    await fhir?.stop();
    await server!.dispose();
  });

  test('each mail is taken once, those that wait and those that both are told of', async () => {
    await until(async () => isEmptied(mailbox, 20));
    for (let number = 0; number < 20; number++) {
      put(mailbox, letter(`while-${number}`, number % 5 > 0));
      await until(async () => isEmptied(mailbox, 21 + number));
    }
    await until(() => isDone(gateways[0]!));
    expect((await gateways[0]!.get('/messages?limit=100')).body.messages).toHaveLength(40);
    const { body } = await fhir.endpoint.send({ method: 'GET', path: 'DocumentReference?_summary=count' });
    expect((body as { total: number }).total).toBe(40);
  });
});
