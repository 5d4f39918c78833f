import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAudit } from '../src/access/audit.ts';
import { auditEvent } from '../src/access/audit-event.ts';
import type { Caller } from '../src/access/caller.ts';
import { guarded } from '../src/access/porter-reads.ts';
import { loadAccessRules } from '../src/access/porter-rules.ts';
import { parseScopes } from '../src/access/scopes.ts';
import { openStore } from '../src/store/index.ts';
import { fill, member, members, pullOf } from './circles.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

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
      subject: member,
      issuer: 'bench',
      expiresAt: Number.MAX_SAFE_INTEGER,
      practitioner: member,
      scopes: parseScopes('user/*.rs'),
      sees: () => true,
    };
    const path = (index: number) => pullOf(index % patients);
    const before = openFiles();
    const bare = await time((index) => store.endpoint.send({ method: 'GET', path: path(index) }));
    const whole = await time(async (index) => {
      await guarded(rules, caller, store.endpoint).send({ method: 'GET', path: path(index) });
      audit.record(auditEvent({ caller, method: 'GET', path: path(index), status: 200, at: new Date() }));
    });
    const files = { before, after: openFiles() };
    const of = 'the same without porter and audit';
    return {
      bench: 'porter',
      rows: [
        row('care-plan pull of a person: p50', whole.p50, 'ms', bare.p50, of),
        row('care-plan pull of a person: p95', whole.p95, 'ms', bare.p95, of),
        row('added by porter and audit: p50', whole.p50 - bare.p50, 'ms'),
        row('requests one after the other', whole.perSecond, '/s', bare.perSecond, of),
      ],
      notes: [
        `${patients} patients, ${patients * members} memberships; open files ${files.before} before, ${files.after} after`,
      ],
    };
  } finally {
    audit.close();
    await store.close();
    if (!options.folder) rmSync(folder, { recursive: true, force: true });
  }
}

async function time(
  ask: (index: number) => Promise<unknown>,
): Promise<{ p50: number; p95: number; perSecond: number }> {
  const took: number[] = [];
  for (let index = 0; index < 2500; index++) {
    const since = performance.now();
    await ask(index * 7);
    if (index >= 500) took.push(performance.now() - since);
  }
  const total = took.reduce((sum, one) => sum + one, 0);
  return { p50: percentile(took, 0.5), p95: percentile(took, 0.95), perSecond: (took.length / total) * 1000 };
}

/** Descriptors this process holds; 0 where that cannot be seen. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
