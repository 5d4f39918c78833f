import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway } from './running.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const forms = read('mappings', 'forms.json') as { name: string; route: string; of: { type: string; system: string } }[];

/** Golden inputs by the form they are; in this order, so that a closing finds its inclusion. */
const cases = {
  'covisan-inclusion': 'covisan-inclusion',
  'covisan-interview': 'covisan-interview',
  'covisan-visit': 'covisan-visit',
  'covisan-services': 'covisan-services',
  'covidom-inclusion': 'covidom-inclusion',
  'covidom-daily': 'covidom-daily-normal',
  'covidom-alert': 'covidom-alert',
  'msp-call-sheet': 'msp-call-not-reached',
  'laboratory-results': 'laboratory-result-antigen',
  'covisan-directory': 'covisan-directory',
  'discharge-package': 'discharge-package',
  'covidom-closing': 'covidom-closing',
};

describe('a form that came in is read back from the FHIR server', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  const asked = async (path: string, headers: Record<string, string> = {}) => {
    const authorization = headers.authorization ?? `Bearer ${await gateway.token()}`;
    return fetch(`${gateway.url}/fhir/R4/${path}`, { headers: { ...headers, authorization } });
  };

  test.each(Object.entries(cases))('%s', async (name, golden) => {
    const form = forms.find((one) => one.name === name)!;
    const given = read('tests', 'golden', golden, 'input.json');
    const vendor = form.route.replace('telemonitoring-', '');
    const { status, body } = await gateway.post(`/in/telemonitoring/${vendor}?wait=20`, given);
    expect([status, body.state, body.issue]).toEqual([200, 'delivered', undefined]);
    const { references } = body;
    const reference = await referenceOf(gateway, references, form.of);
    const answer = await asked(`${reference}/$form`);
    expect(answer.headers.get('content-type')).toContain('application/json');
    const written = await answer.json();
    // More may be known of the patient than this form said.
    expect(comparable(written)).toMatchObject(comparable(said(given)) as object);
    expect(Object.keys(written as object).sort()).toEqual(Object.keys(said(given)).sort());
  });

  test('as a Binary where FHIR is asked for, and a sentence where no form is', async () => {
    const { body } = await gateway.get('/fhir/R4/DetectedIssue');
    const id = body.entry[0].resource.id;
    const binary = (await (
      await asked(`DetectedIssue/${id}/$form`, { accept: 'application/fhir+json' })
    ).json()) as any;
    expect(binary).toMatchObject({ resourceType: 'Binary', contentType: 'application/json' });
    expect(JSON.parse(Buffer.from(binary.data, 'base64').toString()).form).toBe('covidom-alert');
    const patient = (await gateway.get('/fhir/R4/Patient')).body.entry[0].resource.id;
    const none = await asked(`Patient/${patient}/$form`);
    expect([none.status, JSON.stringify(await none.json())]).toEqual([404, expect.stringContaining('form-unknown')]);
    expect((await asked('ServiceRequest/nobody/$form')).status).toBe(404);
  });

  test('what a token may not read is not in the form, and a form that needs it is refused', async () => {
    const { body } = await gateway.get('/fhir/R4/DetectedIssue');
    const path = `DetectedIssue/${body.entry[0].resource.id}/$form`;
    const none = `Bearer ${await gateway.token('lab', 'system/Observation.rs')}`;
    expect((await asked(path, { authorization: none })).status).toBe(403);
    const without = `Bearer ${await gateway.token('lab', 'system/DetectedIssue.rs system/Task.rs')}`;
    const refused = await asked(path, { authorization: without });
    const text = await refused.text();
    expect([refused.status, text.includes('form-incomplete')]).toEqual([422, true]);
    expect(text).not.toContain('MOREL');
  });
});

async function referenceOf(gateway: RunningGateway, references: string[], of: { type: string; system: string }) {
  for (const one of references.filter((reference) => reference.startsWith(`${of.type}/`))) {
    const { body } = await gateway.get(`/fhir/R4/${one}`);
    if ([body.identifier ?? []].flat().some((own: { system?: string }) => own.system === of.system)) return one;
  }
  throw new Error(`no ${of.type} of ${of.system} among ${references.join(' ')}`);
}

/** Without what a form says by saying nothing: docs/forms.md. */
function said(form: any): object {
  const { enteredBy, requester, ...rest } = structuredClone(form);
  for (const one of Object.values<any>(rest.measures ?? {})) delete one.unit;
  const byGp = requester?.rpps !== undefined && requester.rpps === rest.generalPractitioner?.rpps;
  return {
    ...rest,
    ...(enteredBy && enteredBy !== 'patient' ? { enteredBy } : {}),
    ...(requester && !byGp ? { requester } : {}),
  };
}

/** Lists come in the order of the server; the directory's issue has no number. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(comparable).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value === null || typeof value !== 'object') return value;
  const isDirectory = 'directory' in value;
  const names = Object.keys(value).filter((name) => !(isDirectory && (name === 'id' || name === 'date')));
  return Object.fromEntries(names.sort().map((name) => [name, comparable((value as Record<string, unknown>)[name])]));
}
