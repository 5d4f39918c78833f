import type { Bundle, Communication, DocumentReference, Resource } from '@medplum/fhirtypes';
import type { Words } from '../../errors/entry.ts';
import { openMllp } from '../send-mllp.ts';
import type { Listener, Mailbox, Operator } from './counterparts.ts';
import { takeMail, tellRead } from './practice.ts';
import type { Story } from './story.ts';

/** One thing that happened at one door. */
export interface DoorStep {
  from: string;
  to: string;
  /** Protocol or transaction. */
  way: string;
  what: Words;
  ok: boolean;
}

/** A gateway as the play sees it: where it listens, and a reader of its FHIR API. */
export interface Side {
  url: string;
  mllp: string;
  token(): Promise<string>;
}

/** Everybody who takes part: two gateways, the hospital's listener, the mail operator, the GP's mailbox. */
export interface Cast {
  a: Side;
  b: Side;
  hospital: Listener;
  operator: Operator;
  practice: Mailbox;
  /** Mailbox that gateway B empties. */
  coordination: Mailbox;
}

const WAIT_MS = 30_000;
/** The GP's, gateway B's mailbox, the patient's. */
const MAILS = 3;

/** Sends one discharge letter into gateway A and follows it through every door; each step says itself whether it held. */
export async function* playDoors(story: Story, cast: Cast): AsyncGenerator<DoorStep> {
  const { a, b } = cast;
  yield await hospitalSends(story, cast);
  yield await recordHasIt(story, b);
  const mail = await until(() => takeMail(cast.practice));
  const same = mail?.documents.some((one) => Buffer.from(one).equals(story.letter)) ?? false;
  const differs = same ? [] : [{ fr: 'document différent', en: 'document differs' }];
  const notes = mail === undefined ? [noMail] : [...mail.problems.map((one) => ({ fr: one, en: one })), ...differs];
  yield {
    from: 'A',
    to: 'GP',
    way: 'SMTP, IMAP',
    what: notes.length > 0 ? joined(notes) : mailIsRight,
    ok: notes.length === 0,
  };
  if (mail) await tellRead(mail.tree, cast.practice.address, cast.operator.port);
  const told = await until(async () => cast.operator.taken.some((one) => one.to.includes(SENDER)));
  yield {
    from: 'GP',
    to: 'A',
    way: 'SMTP, IMAP',
    what: { fr: 'MDN : traité', en: 'MDN: processed' },
    ok: told === true,
  };
  yield await takenIn(story, cast);
  yield await acknowledged('Z01', 'ACK_RECEPTION_DMP', 1, cast);
  yield await acknowledged('Z02', 'ACK_RECEPTION_MSS', MAILS, cast);
  yield await acknowledged('Z03', 'ACK_LECTURE_MSS', 1, cast);
  yield await communication(a);
}

const noMail = { fr: 'aucun courriel n’est arrivé', en: 'no mail came' };
const mailIsRight = {
  fr: 'IHE_XDM.zip s’ouvre, CDA identique octet pour octet, METADATA.XML concorde',
  en: 'IHE_XDM.zip opens, CDA identical byte for byte, METADATA.XML agrees',
};

function joined(notes: Words[]): Words {
  return { fr: notes.map((one) => one.fr).join(', '), en: notes.map((one) => one.en).join(', ') };
}

/** Address that gateway A sends from. */
export const SENDER = 'pneumologie@tilleuls.mssante.example';

async function hospitalSends(story: Story, { a }: Cast): Promise<DoorStep> {
  const connection = await openMllp(a.mllp, 10_000);
  try {
    const { code } = await connection.send(story.message);
    const what = `MDM^T02, DESTDMP = Y, DESTMSSANTEPS = Y, DESTMSSANTEPAT = Y: ${code}`;
    return { from: 'hospital', to: 'A', way: 'MLLP', what: { fr: what, en: what }, ok: code === 'AA' };
  } finally {
    connection.close();
  }
}

async function recordHasIt(story: Story, b: Side): Promise<DoorStep> {
  const query = `DocumentReference?patient.identifier=${encodeURIComponent(story.ins)}&status=current`;
  const found = await until(async () => (await search<DocumentReference>(b, query))[0]);
  const url = found?.content[0]?.attachment.url;
  const bytes = url ? await content(b, url) : undefined;
  const same = bytes?.equals(story.letter) ?? false;
  const lists = await search(b, query.replace('DocumentReference', 'List'));
  const known = `DocumentReference/${found?.id}, ITI-68`;
  const what = found
    ? {
        fr: `${lists.length} envoi, ${known} ${same ? 'rend les octets mêmes' : 'REND D’AUTRES OCTETS'}`,
        en: `${lists.length} submission, ${known} ${same ? 'gives the very bytes' : 'GIVES OTHER BYTES'}`,
      }
    : { fr: 'aucun DocumentReference n’est arrivé', en: 'no DocumentReference came' };
  return { from: 'A', to: 'B', way: 'ITI-65', what, ok: same && lists.length === 1 };
}

/** What the mail has become on B beside what the message has become on A. */
async function takenIn(story: Story, { a, b, operator, coordination }: Cast): Promise<DoorStep> {
  const isTheirs = ({ to }: { to: string[] }) => to.includes(coordination.address);
  await until(async () => operator.taken.some(isTheirs));
  for (const { mail } of operator.taken.filter(isTheirs)) coordination.put(mail);
  const patient = encodeURIComponent(story.ins);
  const sections = async (side: Side) => {
    const [found] = await search<Resource & { section?: { title?: string }[] }>(
      side,
      `Composition?patient.identifier=${patient}`,
    );
    return found?.section?.map((one) => one.title).join('|');
  };
  const there = await until(() => sections(b));
  const people = await search(b, `Patient?identifier=${patient}`);
  const documents = await search(b, `DocumentReference?patient.identifier=${patient}&status=current`);
  const same = there !== undefined && there === (await sections(a));
  const ok = same && people.length === 1 && documents.length === 1;
  const count = `${people.length} Patient, ${documents.length} DocumentReference, ${there?.split('|').length ?? 0} sections`;
  const what = { fr: `${count}${same ? ' comme sur A' : ''}`, en: `${count}${same ? ' as on A' : ''}` };
  return { from: 'operator', to: 'B', way: 'IMAP', what, ok };
}

/** Business acknowledgements that the hospital's listener has heard. */
async function acknowledged(event: string, name: string, least: number, { hospital }: Cast): Promise<DoorStep> {
  const of = () => hospital.heard.filter((one) => one.includes(`|ZAM^${event}^`));
  await until(async () => of().length >= least);
  const heard = of().map((one) => new RegExp(`\\|${name}\\^[^|]*\\|([^|]*)\\|([YN])`).exec(one));
  const yes = heard.filter((one) => one?.[2] === 'Y').length;
  const about = heard[0]?.[1] ?? '-';
  const said = `ZAM^${event} ${name} = Y${yes > 1 ? ` (${yes})` : ''}`;
  const what = { fr: `${said}, pour ${about}`, en: `${said}, about ${about}` };
  const few = { fr: `ZAM^${event} : ${yes} oui sur ${least}`, en: `ZAM^${event}: ${yes} of ${least} said yes` };
  const ok = yes >= least && yes === heard.length;
  return { from: 'A', to: 'hospital', way: 'MLLP', what: ok ? what : few, ok };
}

async function communication(a: Side): Promise<DoorStep> {
  const found = await until(async () => (await search<Communication>(a, 'Communication')).find((one) => one.received));
  const known = `Communication/${found?.id} ${found?.status}`;
  const what = found
    ? {
        fr: `${known}, envoyé ${found.sent}, lu ${found.received}`,
        en: `${known}, sent ${found.sent}, read ${found.received}`,
      }
    : { fr: 'aucune Communication n’a d’heure de lecture', en: 'no Communication has a time of reading' };
  return { from: 'A', to: 'readers', way: 'FHIR', what, ok: found?.status === 'completed' };
}

async function get(side: Side, path: string, accept: string): Promise<Response> {
  const headers = { accept, authorization: `Bearer ${await side.token()}` };
  return fetch(new URL(path, `${side.url}/fhir/R4/`), { headers });
}

async function search<R extends Resource = Resource>(side: Side, path: string): Promise<R[]> {
  const response = await get(side, path, 'application/fhir+json');
  const { entry = [] } = response.ok ? ((await response.json()) as Bundle<R>) : {};
  return entry.flatMap((one) => (one.resource && one.search?.mode !== 'outcome' ? [one.resource] : []));
}

async function content(side: Side, url: string): Promise<Buffer> {
  return Buffer.from(await (await get(side, url, 'application/xml, text/xml')).arrayBuffer());
}

/** Asks until there is something, for half a minute. */
async function until<T>(look: () => Promise<T | undefined | false>): Promise<T | undefined> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
