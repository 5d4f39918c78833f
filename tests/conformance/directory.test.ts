import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { annuaireDirectory } from '../../src/adapters/mail/annuaire.ts';
import { addressOf } from '../../src/adapters/mail/directory.ts';
import { readJson } from '../../src/formats/fhir/index.ts';

/** Every file of `annuaire` and every FHIR file of `mssante` is read and is what its row says; searchsets give addresses. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'INDEX.md'));
const index = present ? readFileSync(join(CORPUS, 'INDEX.md'), 'utf8') : '';
const rows = [...index.matchAll(/^\| ((?:annuaire|mssante)\/[^ |]+\.json) \|.*\| (.*) \|$/gm)].map(
  ([, file, said]): [string, string] => [file!, said!.replaceAll('\\|', '|')],
);
if (!present) console.warn(`SKIPPED: the corpus is not at ${CORPUS}; conformance of directories was not tested.`);

(present ? describe : describe.skip)('directory of secure mail', () => {
  const file = (name: string) => readFileSync(join(CORPUS, name));

  test('there are rows', () => expect(rows.length).toBeGreaterThanOrEqual(29));

  test.each(rows)('%s', (name, said) => {
    const { tree, faults } = readJson(file(name));
    expect(faults).toEqual([]);
    const resource = tree as any;
    expect(said).toContain(resource.resourceType);
    if (resource.url) expect(said).toContain(resource.url);
    if (resource.type === 'searchset') expect(said).toContain(`${resource.entry?.length ?? 0} entries`);
    for (const { system, value } of resource.identifier ?? []) {
      if (said.includes('identifiers')) expect(said).toContain(`${system}|${value}`);
    }
  });

  describe('searchsets', () => {
    let answer = '';
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/fhir+json');
      response.end(file(answer));
    });
    const directory = () =>
      annuaireDirectory({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`,
        apiKey: 'KEY',
        cacheSeconds: 0,
      });
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
    afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

    test('a practitioner: the personal box before that of the structure', async () => {
      answer = 'annuaire/annuaire_searchset_practitioner_role_org.json';
      const found = await addressOf({ system: 'urn:oid:1.2.250.1.71.4.2.1', value: '801984758437' }, [directory()]);
      expect(found).toBe('stephane.medioni@medecin.test-ci-sis.mssante.fr');
    });

    test('a hospital: the box of the receiving program first', async () => {
      answer = 'annuaire/annuaire_searchset_hospital_org.json';
      const boxes = await directory().mailboxesOf({ system: 'https://finess.esante.gouv.fr', value: '750803447' });
      const found = await addressOf({ system: 'https://finess.esante.gouv.fr', value: '750803447' }, [directory()]);
      expect(boxes.find(({ address }) => address === found)?.type).toBe('APP');
    });

    test('nobody: not found, and no error', async () => {
      answer = 'annuaire/annuaire_searchset_empty.json';
      expect(await addressOf({ system: 'urn:oid:1.2.250.1.71.4.2.1', value: '1' }, [directory()])).toBeUndefined();
    });
  });
});
