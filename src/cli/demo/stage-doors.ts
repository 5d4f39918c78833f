import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../../access/index.ts';
import { type Config, loadConfig } from '../../config.ts';
import { PasserelleError } from '../../errors.ts';
import { createLog } from '../../log.ts';
import type { Io } from '../command.ts';
import { gateway } from '../rooms.ts';
import { type Mailbox, startListener, startMailbox, startOperator } from './counterparts.ts';
import { type DoorStep, playDoors, SENDER, type Side } from './doors.ts';
import { story } from './story.ts';

const GP = 'basile.lormeau@cabinet.mssante.example';
const COORDINATION = 'coordination@cpts13.mssante.example';

/**
 * Two gateways and everybody around them, on loopback and with sockets: the hospital sends to A; A provides to the shared
 * record B, mails the GP, B's mailbox and the patient; the GP's software says it has read.
 */
export async function stageDoors(io: Io, show: (step: DoorStep) => void): Promise<boolean> {
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const [hospital, sender, practice, coordination] = await Promise.all([
      startListener(),
      startMailbox(SENDER),
      startMailbox(GP),
      startMailbox(COORDINATION),
    ]);
    closing.push(hospital.stop, sender.stop, practice.stop, coordination.stop);
    const operator = await startOperator([sender, practice]);
    closing.push(operator.stop);

    const b = await side(io, closing, { doors: [...defaultDoors, receiver(coordination)] });
    const headers = { authorization: `Bearer ${await b.token('hospital')}` };
    const server = { base: `${b.url}/fhir/R4`, sourceId: 'urn:oid:1.2.250.1.999.1.7', headers };
    const smtp = { host: '127.0.0.1', port: operator.port, security: 'none' };
    const a = await side(io, closing, {
      destinations: [
        { name: 'shared-record', type: 'pdsm', server },
        { ...receiver(sender), name: 'mss', from: `Hôpital des Tilleuls <${SENDER}>`, smtp },
        { name: 'hospital', type: 'mllp-out', address: hospital.address },
      ],
    });
    const told = story(new Date(), [COORDINATION]);
    await openRecord(told.patient, b);
    let ok = true;
    for await (const step of playDoors(told, { a, b, hospital, operator, practice, coordination })) {
      show(step);
      ok &&= step.ok;
    }
    return ok;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

const defaultDoors = [
  { name: 'mllp', type: 'mllp' },
  { name: 'pdsm', type: 'pdsm' },
  { name: 'fhir-api', type: 'fhir-api' },
];

function receiver({ port, user, password }: Mailbox) {
  return { name: 'mailbox', type: 'mail', imap: { host: '127.0.0.1', port, security: 'none', user, password } };
}

/** Starts a gateway on free ports, with a data folder that goes when it stops. */
async function side(
  io: Io,
  closing: (() => Promise<unknown>)[],
  more: object,
): Promise<Side & { token(client?: string): Promise<string> }> {
  const data = await mkdtemp(join(tmpdir(), 'passerelle-doors-'));
  closing.push(() => rm(data, { recursive: true, force: true }));
  const config = configOf(data, io, more);
  const log = createLog({ level: config.log.level, stream: { write: io.err } });
  const { runGateway } = await gateway();
  const running = await runGateway(config, log);
  closing.push(running.stop);
  const token = async (clientId = 'demo') => (await mintToken(config, { clientId })) ?? '';
  return { url: running.url, mllp: running.addresses.mllp?.[0] ?? '', token };
}

function configOf(data: string, io: Io, more: object): Config {
  const settings = Object.entries(more).map(([name, value]) => [`PASSERELLE__${name}`, JSON.stringify(value)]);
  const environment = {
    PASSERELLE_LOG: io.environment.PASSERELLE_LOG ?? 'error',
    PASSERELLE_HTTP: '127.0.0.1:0',
    PASSERELLE_MLLP: '127.0.0.1:0',
    ...Object.fromEntries(settings),
    PASSERELLE_DATA: data,
  };
  const { config, faults } = loadConfig({ environment, cwd: data });
  if (!config) throw new PasserelleError(faults);
  return config;
}

/** The patient's record is open on B before anything is provided to it. */
async function openRecord(patient: object, { url, token }: Side): Promise<void> {
  const response = await fetch(`${url}/fhir/R4/Patient`, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${await token()}` },
    body: JSON.stringify(patient),
  });
  if (!response.ok) throw new Error(`the record could not be opened: ${response.status}`);
}
