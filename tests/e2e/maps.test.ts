import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inside } from '../cli/run.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const root = join(import.meta.dirname, '..', '..');
const golden = (name: string, file: string) => readFileSync(join(root, 'tests', 'golden', name, file));
const json = (name: string) => JSON.parse(golden(name, 'input.json').toString());

describe('maps of a gateway that runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-maps-'));
  const mappings = join(folder, 'mappings');
  const profiles = join(folder, 'profiles');
  const map = join(mappings, 'covidom-daily.map');
  let gateway: RunningGateway;
  let settings: Record<string, string>;

  beforeAll(async () => {
    cpSync(join(root, 'mappings'), mappings, { recursive: true });
    cpSync(join(root, 'profiles'), profiles, { recursive: true });
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ folders: { mappings, profiles: [profiles] } }));
    settings = { PASSERELLE_CONFIG: config, PASSERELLE_DATA: join(folder, 'data') };
    gateway = await startGateway(settings);
  });
  afterAll(async () => {
    await gateway.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const passerelle = (...args: string[]) => inside(args, settings);
  const logged = (text: string) => gateway.lines.find((line) => line.includes(text));

  test('codes nobody has mapped: delivered, the original kept, one line in the report with place and sender', async () => {
    const daily = await gateway.post('/in/telemonitoring/covidom?wait=20', json('covidom-daily-unknown-code'));
    expect([daily.status, daily.body.state]).toEqual([200, 'delivered']);
    const laboratory = golden('hl7v2-oru-laboratory', 'input.hl7')
      .toString()
      .replace(/(OBX\|1\|NM\|)[^|]*/, '$1XQ17^Dosage maison^L');
    expect(await gateway.send(laboratory)).toMatchObject({ code: 'AA' });
    // An entry of a CDA, of a system that is the laboratory's own.
    const cda = golden('cda-biology', 'input.xml').toString();
    expect(cda).toContain('CRP-LOCALE');
    expect((await gateway.post('/in/cda?wait=20', cda, { 'content-type': 'application/xml' })).body.state).toBe(
      'delivered',
    );
    const symptom = json('covidom-daily-unknown-code').otherSymptoms.at(-1).code as string;
    type Line = { code: string; sender: string; place: string; table: string; count: number };
    // The acknowledgement over MLLP comes before the conversion.
    const found = await until(async () => {
      const list = JSON.parse((await passerelle('unmapped', '--json')).out) as Line[];
      const codes = list.map(({ code }) => code);
      return [symptom, 'XQ17', 'CRP-LOCALE'].every((code) => codes.includes(code)) && list;
    });
    const lines = (code: string) => found.filter((one) => one.code === code);
    const line = (table: string, place: RegExp) =>
      expect.objectContaining({ table, place: expect.stringMatching(place), count: 1 });
    expect(lines(symptom)).toEqual([line('covidom-symptom', /^\/otherSymptoms\/\d+\/code$/)]);
    expect(lines('XQ17')).toEqual([line('observation-code', /^OBX\[1\]-3$/)]);
    expect(lines('CRP-LOCALE')).toEqual([
      line('observation-code', /^\/ClinicalDocument\/.*\/entryRelationship\[3\]\/observation\/code$/),
    ]);
    for (const one of found) expect(one.sender).not.toBe('');
    for (const code of [symptom, 'XQ17', 'CRP-LOCALE']) {
      const { body } = await gateway.get(`/fhir/R4/Observation?code=${code}`);
      expect([code, body.entry?.length]).toEqual([code, 1]);
    }
    const table = await passerelle('unmapped');
    expect(table.out).toContain('codes-covidom-symptom.json');
    expect(table.out).toContain('codes-observation-code.json');
  });

  test('preview: what a changed map would change on stored messages; nothing is activated', async () => {
    const changed = join(folder, 'covidom-daily.map');
    writeFileSync(
      changed,
      readFileSync(map, 'utf8').replace("answers.status = 'completed'", "answers.status = 'amended'"),
    );
    const { code, out } = await passerelle('preview', changed, '--last', '5');
    expect([code, out]).toEqual([0, expect.stringContaining('QuestionnaireResponse#status: "completed" → "amended"')]);
    expect(out).toMatch(/1 messages tried, 1 would change|1 messages essayés, 1 changeraient/);
    const [seen] = JSON.parse((await passerelle('preview', changed, '--json')).out);
    expect(seen.differences).toContainEqual(expect.objectContaining({ change: 'changed', path: 'status' }));
    writeFileSync(changed, 'map broken');
    expect((await passerelle('preview', changed)).code).toBe(2);
    const { body } = await gateway.get('/fhir/R4/QuestionnaireResponse');
    expect(body.entry[0].resource.status).toBe('completed');
  });

  test('a fault is named with file, line and rule, and the good version stays in use', async () => {
    const good = readFileSync(map, 'utf8');
    const bad = good.replace('o.valueCodeableConcept = cc(translate(feeling', 'o.valueNothing = cc(translate(feeling');
    const line = bad.split('\n').findIndex((one) => one.includes('valueNothing')) + 1;
    writeFileSync(map, bad);
    const said = await until(async () => logged('those in use stay'));
    expect(JSON.parse(said).faults[0]).toMatchObject({
      code: 'map-invalid',
      place: `covidom-daily.map:${line}`,
      rule: 'covidom-daily.map#value',
    });
    const checked = await passerelle('check', '--json');
    expect([checked.code, checked.out.includes(`covidom-daily.map:${line}`)]).toEqual([2, true]);
    const { body } = await gateway.post('/in/telemonitoring/covidom?wait=20', json('covidom-daily-normal'));
    expect(body.state).toBe('delivered');

    writeFileSync(map, good.replace("'Ressenti général'", "'Humeur du jour'"));
    const anew = await until(async () => logged('loaded anew'));
    expect(JSON.parse(anew).maps).toContain('covidom-daily');
    const worse = await gateway.post('/in/telemonitoring/covidom?wait=20', json('covidom-daily-worse'));
    expect(worse.body.state).toBe('delivered');
    expect(JSON.stringify((await gateway.get('/fhir/R4/Observation?_count=200')).body)).toContain('Humeur du jour');
  });

  test('check names a missing ConceptMap and a profile with a broken invariant', async () => {
    const table = join(mappings, 'codes-programme-change.json');
    const kept = readFileSync(table);
    rmSync(table);
    const profile = join(profiles, 'StructureDefinition-reading.json');
    const before = readFileSync(profile, 'utf8');
    const definition = JSON.parse(before);
    for (const part of [definition.differential, definition.snapshot]) {
      part.element[0].constraint = [
        ...(part.element[0].constraint ?? []),
        { key: 'broken-1', severity: 'error', human: 'Broken.', expression: 'value.exists( and' },
      ];
    }
    writeFileSync(profile, JSON.stringify(definition, null, 2));
    const { code, out } = await passerelle('check', '--json');
    writeFileSync(table, kept);
    writeFileSync(profile, before);
    const faults = JSON.parse(out).faults as {
      code: string;
      place?: string;
      rule?: string;
      params?: Record<string, unknown>;
    }[];
    expect(code).toBe(2);
    const text = JSON.stringify(faults);
    expect(faults.find((one) => JSON.stringify(one).includes('codes-programme-change.json'))).toMatchObject({
      place: expect.stringMatching(/^[a-z-]+\.map:\d+$/),
      rule: expect.stringMatching(/\.map#\w+/),
    });
    expect(text).toMatch(/StructureDefinition-reading\.json/);
    expect(text).toMatch(/broken-1/);
  });
});
