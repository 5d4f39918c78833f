import { createHash } from 'node:crypto';
import type { Bundle, BundleEntry } from '@medplum/fhirtypes';
import type { Words } from '../../errors/entry.ts';
import { openMllp } from '../send-mllp.ts';
import type { DemoStep } from './step.ts';
import type { Story } from './story.ts';

/** Where the gateway listens, and how its token is had. */
export interface Stage {
  url: string;
  mllp: string;
  token(client: string, scope?: string): Promise<string>;
}

const WAIT = 20;

/** Plays the three paths through the real doors, one after the other; each step says itself whether it held. */
export async function* play(story: Story, stage: Stage): AsyncGenerator<DemoStep> {
  const fhir = reader(stage, await stage.token('demo-gp', 'system/*.rs'));
  yield await hospital(story, stage, fhir);
  const tool = await stage.token('demo-tool');
  yield await post(
    { fr: 'Équipe mobile', en: 'Mobile team' },
    '/in/telemonitoring/covisan-inclusion',
    story.inclusion,
    stage,
    tool,
  );
  yield await post(
    { fr: 'Patient, SpO2 91', en: 'Patient, SpO2 91' },
    '/in/telemonitoring/covidom',
    story.questionnaire,
    stage,
    tool,
  );
  yield await practice(story, stage, fhir);
}

/** A hospital pushes a discharge letter by MLLP; it can be read on the FHIR server, byte for byte. */
async function hospital(story: Story, stage: Stage, fhir: Reader): Promise<DemoStep> {
  const connection = await openMllp(stage.mllp, 10_000);
  try {
    const answer = await connection.send(story.message);
    const documents = await until(() =>
      fhir.search(`DocumentReference?status=current&patient.identifier=${encodeURIComponent(story.ins)}`),
    );
    const patient = encodeURIComponent(story.ins);
    const others = await Promise.all(
      [
        `Patient?identifier=${patient}`,
        `Encounter?patient.identifier=${patient}`,
        `Composition?patient.identifier=${patient}`,
      ].map(fhir.search),
    );
    const found = [...others.flat(), ...documents];
    const same = await sameBytes(documents, story, fhir);
    return {
      what: {
        fr: 'Hôpital          MLLP  MDM^T02 avec une lettre de sortie CDA',
        en: 'Hospital         MLLP  MDM^T02 with a CDA discharge letter',
      },
      answer: {
        fr: `${answer.code}${same ? ', document identique octet pour octet' : ', DOCUMENT DIFFÉRENT'}`,
        en: `${answer.code}${same ? ', document identical byte for byte' : ', DOCUMENT DIFFERS'}`,
      },
      urls: found.map((entry) => urlOf(entry, stage)),
      ok: answer.code === 'AA' && same && others.every((list) => list.length > 0),
    };
  } finally {
    connection.close();
  }
}

async function sameBytes(documents: BundleEntry[], story: Story, fhir: Reader): Promise<boolean> {
  const attachments = documents.flatMap(({ resource }) =>
    resource?.resourceType === 'DocumentReference' ? resource.content.map((one) => one.attachment.url ?? '') : [],
  );
  const hashes = await Promise.all(attachments.map(async (url) => hash(await fhir.bytes(url))));
  return hashes.includes(hash(story.letter));
}

/** A form posted over HTTP, answered once everything it means is written. */
async function post(what: Words, path: string, body: object, stage: Stage, token: string): Promise<DemoStep> {
  const response = await fetch(`${stage.url}${path}?wait=${WAIT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  const outcome = (await response.json()) as {
    state?: string;
    references?: string[];
    issue?: { details?: { text?: string } }[];
  };
  const why = outcome.issue?.map((one) => one.details?.text).join(' ') ?? outcome.state;
  return {
    what: { fr: `${what.fr.padEnd(17)}POST  ${path}`, en: `${what.en.padEnd(17)}POST  ${path}` },
    answer: { fr: `${response.status} ${why ?? ''}`, en: `${response.status} ${why ?? ''}` },
    urls: (outcome.references ?? []).filter(isShown).map((one) => `${stage.url}/fhir/R4/${one}`),
    ok: response.status === 200 && outcome.state === 'delivered',
  };
}

/** A GP's software pulls plan, tasks and the latest readings. */
async function practice(story: Story, stage: Stage, fhir: Reader): Promise<DemoStep> {
  const patient = encodeURIComponent(story.ins);
  const query = `CarePlan?patient.identifier=${patient}&_include=CarePlan:subject&_revinclude=Task:based-on`;
  const plans = await fhir.search(query);
  const alerts = await fhir.search(`DetectedIssue?patient.identifier=${patient}`);
  const count = (type: string) => plans.filter((entry) => entry.resource?.resourceType === type).length;
  return {
    what: {
      fr: `Médecin traitant GET   /fhir/R4/${decodeURIComponent(query)}`,
      en: `GP               GET   /fhir/R4/${decodeURIComponent(query)}`,
    },
    answer: {
      fr: `200, ${count('CarePlan')} plans, ${count('Task')} tâches, ${alerts.length} alertes`,
      en: `200, ${count('CarePlan')} plans, ${count('Task')} tasks, ${alerts.length} alerts`,
    },
    urls: [...plans, ...alerts].map((entry) => urlOf(entry, stage)),
    ok: count('CarePlan') > 0 && count('Task') > 0 && count('Patient') === 1 && alerts.length === 1,
  };
}

interface Reader {
  search(query: string): Promise<BundleEntry[]>;
  bytes(url: string): Promise<Uint8Array>;
}

function reader(stage: Stage, token: string): Reader {
  const get = (url: string, accept: string) =>
    fetch(new URL(url, `${stage.url}/fhir/R4/`), { headers: { accept, authorization: `Bearer ${token}` } });
  return {
    async search(query) {
      const response = await get(query, 'application/fhir+json');
      const { entry = [] } = response.ok ? ((await response.json()) as Bundle) : {};
      // What a server has to say about the search is no match.
      return entry.filter((one) => one.search?.mode !== 'outcome');
    },
    bytes: async (url) => new Uint8Array(await (await get(url, 'application/xml')).arrayBuffer()),
  };
}

/** What MLLP acknowledges is written a moment later. */
async function until(look: () => Promise<BundleEntry[]>): Promise<BundleEntry[]> {
  const end = Date.now() + WAIT * 1000;
  for (;;) {
    const found = await look();
    if (found.length > 0 || Date.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function urlOf(entry: BundleEntry, stage: Stage): string {
  return `${stage.url}/fhir/R4/${entry.resource?.resourceType}/${entry.resource?.id}`;
}

function isShown(reference: string): boolean {
  return !reference.startsWith('Provenance/');
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
