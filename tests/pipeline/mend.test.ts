import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Encounter } from '@medplum/fhirtypes';
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
