import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Encounter, Observation } from '@medplum/fhirtypes';
import { furnish } from '../../src/gateway/furnish.ts';
import { convertBytes } from '../../src/pipeline/convert-bytes.ts';

const root = join(import.meta.dirname, '../..');
const { house } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });

test('a stay whose class nobody says is written with a class that is unknown', async () => {
  const message = [
    'MSH|^~\\&|LABO|LABO-TEST|DPI|CH|20261122100000||ORU^R01^ORU_R01|J77|P|2.5^FRA^2.11||||||8859/15',
    'PID|1||J-77^^^CH-ALPHA&1.2.250.1.999.1&ISO^PI||EXEMPLE^JEANNE^^^^^L||19500101|F',
    `PV1|1||${'|'.repeat(16)}V-77^^^CH-ALPHA&1.2.250.1.999.7&ISO`,
    'OBR|1||B-1^LABO|CRP^CRP^L|||20261122090000|||||||||||||||20261122093000||LAB|F',
    'OBX|1|NM|1988-5^CRP^LN||12|mg/L^mg/L^UCUM||||||F|||20261122090000',
  ].join('\r');
  const { bundle, issues } = await convertBytes(
    Buffer.from(message, 'latin1'),
    { now: new Date('2026-11-22T10:00:00Z') },
    house!,
  );
  expect(issues.filter((one) => one.severity === 'error')).toEqual([]);
  const stay = bundle?.entry?.map((one) => one.resource).find((one) => one?.resourceType === 'Encounter') as Encounter;
  expect(stay.class).toEqual({ system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' });
});

describe('vital signs of a document', () => {
  const source = readFileSync(join(root, 'tests/golden/cda-vital-signs/input.xml'), 'utf8');
  const NOW = new Date('2021-03-10T09:00:00Z');

  /** The observations of the document in which the vital sign of this code was changed. */
  async function observations(code: string, change: (component: string) => string): Promise<Observation[]> {
    const changed = source.replace(/<component><observation .*?<\/component>/g, (one) =>
      one.includes(`code="${code}"`) ? change(one) : one,
    );
    expect(changed).not.toBe(source);
    const { bundle, issues } = await convertBytes(Buffer.from(changed), { now: NOW }, house!);
    expect(issues.filter((one) => one.severity === 'error')).toEqual([]);
    expect(house!.examiner.judge(bundle!).filter((one) => one.severity === 'error')).toEqual([]);
    return bundle!.entry!.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []));
  }

  const codesOf = ({ code }: Observation) => code.coding?.map((one) => one.code) ?? [];

  test('one of a year nobody knows the day of is told in words, not found as today’s', async () => {
    const all = await observations('8310-5', (one) => one.replace('20210306083000+0100', '2019'));
    expect(all.filter((one) => codesOf(one).includes('8310-5'))).toEqual([]);
    const told = all.find((one) => one.code.text === 'Température');
    expect(told).toMatchObject({ effectiveDateTime: '2019', valueQuantity: { value: 38.4, code: 'Cel' } });
    expect(JSON.stringify(told?.code.extension)).toContain('"code":"8310-5"');
  });

  test('one of a period stands at its beginning, the period beside it', async () => {
    const all = await observations('8867-4', (one) =>
      one.replace(
        '<effectiveTime value="20210306083000+0100"/>',
        '<effectiveTime><low value="20210306083000+0100"/><high value="20210306093000+0100"/></effectiveTime>',
      ),
    );
    const pulse = all.find((one) => codesOf(one).includes('8867-4'));
    expect(pulse?.effectiveDateTime).toBe('2021-03-06T08:30:00+01:00');
    expect(JSON.stringify(pulse?.extension)).toContain('"end":"2021-03-06T09:30:00+01:00"');
  });

  test('of two systolic pressures nobody says which goes with the diastolic: each stands alone', async () => {
    const all = await observations('8480-6', (one) => one + one.replace('value="132"', 'value="118"'));
    const panels = all.filter((one) => codesOf(one).includes('85354-9'));
    const valuesOf = ({ component }: Observation) => component?.map((one) => one.valueQuantity?.value);
    expect(panels.map(valuesOf)).toEqual([
      [132, undefined],
      [118, undefined],
      [78, undefined],
    ]);
  });

  test('a pressure of several values among other results keeps each of them', async () => {
    const systolic = /<observation (?:(?!<observation ).)*code="8480-6".*?<\/observation>/.exec(source)![0];
    const several = systolic
      .replace(/<templateId [^>]*>/g, '')
      .replace(/<id [^>]*>/, '<id root="7d1f00a0-0000-4000-8000-000000000099"/>')
      .replace(/<value [^>]*>/, (one) => one + one.replace('132', '118'));
    const section = `<component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/><title>Examens</title><text>PA</text><entry>${several}</entry></section></component>`;
    const changed = source.replace('</structuredBody>', () => `${section}</structuredBody>`);
    const { bundle } = await convertBytes(Buffer.from(changed), { now: NOW }, house!);
    expect(house!.examiner.judge(bundle!).filter((one) => one.severity === 'error')).toEqual([]);
    const all = bundle!.entry!.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []));
    const said = all.flatMap(({ component }) => component ?? []).map((one) => one.valueQuantity?.value);
    expect(said).toEqual(expect.arrayContaining([132, 118]));
  });
});
