import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAudit } from '../src/access/audit.ts';
import { auditEvent } from '../src/access/audit-event.ts';
import type { Caller } from '../src/access/caller.ts';
import { guarded } from '../src/access/porter-reads.ts';
import { loadAccessRules } from '../src/access/porter-rules.ts';
import { parseScopes } from '../src/access/scopes.ts';
import type { FhirEndpoint } from '../src/adapter.ts';
import { openStore } from '../src/store/index.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

const RPPS = 'https://rpps.esante.gouv.fr';

/** What porter and audit add to a general practitioner's pull of a care plan. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'passerelle-bench-'));
  const patients = options.quick ? 500 : 10_000;
  const store = openStore({ file: join(folder, 'fhir.sqlite') });
  const audit = openAudit(folder);
  try {
    options.progress?.(`filling a store with ${patients} patients`);
    await fill(store.endpoint, patients);
    const rules = loadAccessRules(fileURLToPath(new URL('../mappings', import.meta.url)));
    const caller: Caller = {
      clientId: 'practice',
      subject: '10000000001',
      issuer: 'bench',
      expiresAt: Number.MAX_SAFE_INTEGER,
      practitioner: '10000000001',
      scopes: parseScopes('user/*.rs'),
      sees: () => true,
    };
    const path = (index: number) =>
      `CarePlan?patient=p${index % patients}&_include=CarePlan:subject&_revinclude=Task:based-on`;
    const bare = await time((index) => store.endpoint.send({ method: 'GET', path: path(index) }));
    const whole = await time(async (index) => {
      await guarded(rules, caller, store.endpoint).send({ method: 'GET', path: path(index) });
      audit.record(auditEvent({ caller, method: 'GET', path: path(index), status: 200, at: new Date() }));
    });
    const of = 'the same without porter and audit';
    return {
      bench: 'porter',
      rows: [
        row('care-plan pull of a person: p50', whole.p50, 'ms', bare.p50, of),
        row('care-plan pull of a person: p95', whole.p95, 'ms', bare.p95, of),
        row('added by porter and audit: p50', whole.p50 - bare.p50, 'ms'),
      ],
      notes: [`${patients} patients, two members in each care team`],
    };
  } finally {
    audit.close();
    await store.close();
    if (!options.folder) rmSync(folder, { recursive: true, force: true });
  }
}

async function time(ask: (index: number) => Promise<unknown>): Promise<{ p50: number; p95: number }> {
  const took: number[] = [];
  for (let index = 0; index < 1200; index++) {
    const since = performance.now();
    await ask(index * 7);
    if (index >= 200) took.push(performance.now() - since);
  }
  return { p50: percentile(took, 0.5), p95: percentile(took, 0.95) };
}

async function fill(fhir: FhirEndpoint, patients: number): Promise<void> {
  const put = (resource: { resourceType: string; id: string }) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  });
  const person = (id: string) => ({ resourceType: 'Practitioner', id, identifier: [{ system: RPPS, value: id }] });
  let entry: unknown[] = [put(person('10000000001')), put(person('10000000002'))];
  const send = async () => {
    await fhir.send({ method: 'POST', path: '', body: { resourceType: 'Bundle', type: 'transaction', entry } });
    entry = [];
  };
  for (let index = 0; index < patients; index++) {
    const subject = { reference: `Patient/p${index}` };
    const members = ['10000000001', '10000000002'].map((id) => ({ member: { reference: `Practitioner/${id}` } }));
    const all = [
      { resourceType: 'Patient', id: `p${index}` },
      { resourceType: 'CareTeam', id: `t${index}`, status: 'active', subject, participant: members },
      { resourceType: 'CarePlan', id: `c${index}`, status: 'active', intent: 'plan', subject },
      ...[1, 2, 3, 4].map((number) => ({
        resourceType: 'Task',
        id: `k${index}-${number}`,
        status: 'ready',
        intent: 'order',
        for: subject,
        basedOn: [{ reference: `CarePlan/c${index}` }],
      })),
    ];
    entry.push(...all.map(put));
    if (entry.length > 1000) await send();
  }
  await send();
}
