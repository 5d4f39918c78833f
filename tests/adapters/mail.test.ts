import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { annuaireDirectory } from '../../src/adapters/mail/annuaire.ts';
import type { MailConfig } from '../../src/adapters/mail/config.ts';
import { addressOf, csvDirectory } from '../../src/adapters/mail/directory.ts';
import { linesOf } from '../../src/adapters/mail/narrative.ts';
import { wantsOf } from '../../src/adapters/mail/wants.ts';
import type { Orders, Party } from '../../src/conversion.ts';

const IDNPS = 'urn:oid:1.2.250.1.71.4.2.1';

describe('directories', () => {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-directory-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a CSV file answers by identifier; an application’s box first, red-listed ones never', async () => {
    const file = join(folder, 'mss.csv');
    const rows = [
      'identifier,address,type,red_list',
      '899900000017,per@medecin.mssante.fr,PER,N',
      `${IDNPS}|899900000017,app@medecin.mssante.fr,APP,N`,
      '899900000018,hidden@medecin.mssante.fr,PER,Y',
    ];
    writeFileSync(file, `\ufeff${rows.join('\n')}\n`);
    const directory = csvDirectory(file);
    const of = (value: string) => addressOf({ system: IDNPS, value }, [directory]);
    expect(await of('899900000017')).toBe('app@medecin.mssante.fr');
    expect(await of('899900000018')).toBeUndefined();
    expect(await of('nobody')).toBeUndefined();
  });

  describe('Annuaire Santé, a server of the test’s own', () => {
    let server: Server;
    let base = '';
    const asked: string[] = [];
    beforeAll(async () => {
      server = createServer((request, response) => {
        asked.push(`${request.headers['esante-api-key']} ${request.url}`);
        const first = !request.url!.includes('page=2') && request.url!.startsWith('/v2/PractitionerRole');
        const box = (value: string, type: string, listeRouge?: boolean) => ({
          system: 'email',
          value,
          extension: [
            {
              url: 'https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata',
              extension: [
                { url: 'type', valueCodeableConcept: { coding: [{ code: type }] } },
                ...(listeRouge === undefined ? [] : [{ url: 'listeRouge', valueBoolean: listeRouge }]),
              ],
            },
          ],
        });
        const entry = first
          ? [
              {
                resource: {
                  resourceType: 'PractitionerRole',
                  active: false,
                  telecom: [box('old@x.test', 'APP', false)],
                },
              },
            ]
          : [
              {
                resource: {
                  resourceType: 'Practitioner',
                  active: true,
                  telecom: [
                    box('red@x.test', 'APP', true),
                    box('unsaid@x.test', 'APP'),
                    box('gp@x.test', 'PER', false),
                  ],
                },
              },
            ];
        const link = first ? [{ relation: 'next', url: `${base}/PractitionerRole?page=2` }] : [];
        response.setHeader('content-type', 'application/fhir+json');
        response.end(JSON.stringify({ resourceType: 'Bundle', type: 'searchset', link, entry }));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
    });
    afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

    test('key, next links, inactive and red-listed left out, the answer kept', async () => {
      const directory = annuaireDirectory({ url: base, apiKey: 'KEY', cacheSeconds: 60 });
      const of = () => addressOf({ system: IDNPS, value: '899900000017' }, [directory]);
      expect(await of()).toBe('gp@x.test');
      const count = asked.length;
      expect(count).toBe(3);
      expect(asked.every((one) => one.startsWith('KEY '))).toBe(true);
      expect(await of()).toBe('gp@x.test');
      expect(asked.length).toBe(count);
    });

    test('away: the mail waits', async () => {
      const directory = annuaireDirectory({ url: 'http://127.0.0.1:9', apiKey: 'KEY', cacheSeconds: 60 });
      await expect(addressOf({ system: IDNPS, value: '1' }, [directory])).rejects.toMatchObject({
        faults: [{ code: 'mail-unreachable' }],
      });
    });
  });
});

describe('the readable copy', () => {
  test('the words of a narrative, in lines', () => {
    const div =
      '<div xmlns="http://www.w3.org/1999/xhtml"><p>T&#233;l&eacute; &amp; l&lt;m</p><ul><li>un</li><li>deux <b>gras</b></li></ul><table><tr><th>Examen</th><td>12,5 g/L</td></tr></table><h2>Suite</h2>fin</div>';
    expect(linesOf(div)).toEqual([
      { kind: 'text', text: 'Tél&eacute; & l<m' },
      { kind: 'item', text: 'un' },
      { kind: 'item', text: 'deux gras' },
      { kind: 'text', text: 'Examen | 12,5 g/L' },
      { kind: 'heading', text: 'Suite' },
      { kind: 'text', text: 'fin' },
    ]);
  });

  test('no narrative, however broken, stops it', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void linesOf(`<div>${text}<p`)));
  });
});

describe('who gets a mail', () => {
  const config = {
    smtp: {},
    from: 'x',
    patientDomain: 'patient.mssante.fr',
    messageIdDomain: 'x.test',
  } as unknown as MailConfig;
  const party = fc.record<Party>(
    {
      mail: fc.constantFrom('a@medecin.mssante.fr', 'b@medecin.mssante.fr', '284026912345689@patient.mssante.fr'),
      person: fc.record({
        identifier: fc.record({
          system: fc.constantFrom(IDNPS, 'urn:oid:1.2.250.1.213.1.4.8'),
          value: fc.constantFrom('1', '2'),
        }),
      }),
    },
    { requiredKeys: [] },
  );
  const orders = fc.record({
    event: fc.constantFrom('new' as const, 'replace' as const, 'withdraw' as const),
    mssProfessional: fc.boolean(),
    mssPatient: fc.boolean(),
    hiddenFromPatient: fc.boolean(),
    recipients: fc.array(party, { maxLength: 5 }),
  });

  test('hidden from the patient: no delivery is for a patient; nobody twice; the same wishes every time', () => {
    fc.assert(
      fc.property(orders, (given) => {
        const written = {
          messageId: 'm',
          sender: 's',
          receivedAt: new Date(0),
          orders: given as Orders,
          references: ['DocumentReference/1'],
        };
        const wanted = wantsOf(written, 'mss', config);
        const isForPatient = ({ recipient, payload }: (typeof wanted)[0]) =>
          (payload as { audience: string }).audience === 'patient' ||
          recipient?.mail?.endsWith('@patient.mssante.fr') ||
          recipient?.person?.identifier?.system?.includes('213.1.4');
        if (given.hiddenFromPatient || !given.mssPatient) expect(wanted.filter(isForPatient)).toEqual([]);
        const withdraws = wanted.map(({ payload }) => (payload as { withdraws?: boolean }).withdraws ?? false);
        expect(withdraws).toEqual(wanted.map(() => given.event === 'withdraw'));
        const professionals = wanted.filter((one) => !isForPatient(one));
        const addresses = professionals.flatMap(({ recipient }) => recipient?.mail ?? []);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(new Set(wanted.map((one) => one.key)).size).toBe(wanted.length);
        expect(wantsOf(written, 'mss', config)).toEqual(wanted);
      }),
    );
  });
});
