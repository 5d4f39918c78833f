import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import { readDossiers } from '../../src/adapters/mail/dossier.ts';
import { traitsOf } from '../../src/adapters/mail/patient.ts';
import { submissionOf } from '../../src/adapters/mail/submission.ts';
import { metadataXml } from '../../src/formats/xdm/index.ts';
import { furnish } from '../../src/gateway/furnish.ts';
import { convertBytes } from '../../src/pipeline/convert-bytes.ts';
import { transmitted } from '../../src/pipeline/deliver.ts';
import { openFixture } from '../store/fixture.ts';
import { brokenRules } from './xds-rules.ts';

const root = join(import.meta.dirname, '../..');
const { house } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });
const golden = join(root, 'tests/golden');
const corpus = join(root, '../shared/corpus');
const at = new Date('2026-11-22T10:00:00Z');

const own = readdirSync(golden)
  .filter((name) => name.startsWith('cda-') && existsSync(join(golden, name, 'input.xml')))
  .map((name) => [name, join(golden, name, 'input.xml')] as const);
const official = !existsSync(corpus)
  ? []
  : readdirSync(corpus)
      .filter((folder) => folder.startsWith('cda-'))
      .flatMap((folder) =>
        readdirSync(join(corpus, folder)).map((name) => [name, join(corpus, folder, name)] as const),
      );
if (official.length === 0) console.warn('../shared/corpus is not here: only the golden documents are sent');

describe('METADATA.XML keeps the XDS metadata rules', () => {
  const fixture = openFixture({});
  afterAll(() => fixture.close());

  test.each([...own, ...official])('%s', async (_name, file) => {
    const { bundle } = await convertBytes(readFileSync(file), { now: at }, house!);
    if (!bundle) return;
    const response = await fixture.store.endpoint.send({ method: 'POST', path: '', body: bundle });
    expect(response.status).toBe(200);
    const written = (response.body as Bundle).entry!.map((one) => one.response?.location?.split('/_history')[0] ?? '');
    const of = (type: string) => written.filter((one) => one.startsWith(`${type}/`));
    const documents = transmitted(bundle, written);
    expect(documents).toHaveLength(1);
    const found = await readDossiers(documents, of('Patient')[0], fixture.store.endpoint);
    const sending = { messageId: '<1@example>', sourceId: '1.2.250.1.999.9', at };
    const submission = submissionOf(found.dossiers, traitsOf(found.patient as Patient), sending);
    const files = new Map(submission.documents.map((one) => [one.uri, one.bytes]));
    expect(brokenRules(metadataXml(submission), files)).toEqual([]);
  });
});
