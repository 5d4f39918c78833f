import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ZipFile } from 'yazl';
import { readTable } from '../../src/formats/table/index.ts';
import { inside } from '../cli/run.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
const HEAD = [
  'N° d’appel',
  'INS',
  'Autorité INS',
  'Nom',
  'Prénom',
  'Né(e) le',
  'Sexe',
  'Jour',
  'Appel le',
  'Appelant',
  'RPPS',
  'Issue',
  'Signes',
  'SpO2 (%)',
  'T°',
  'Besoin d’aide',
  'Couleur',
];
const row = (id: string, spo2: string, more: Record<number, string> = {}) => {
  const cells = [
    id,
    '252057501310751',
    'test',
    'VALMONT',
    'ODILE',
    '17/05/1952',
    'F',
    'J7',
    '12/11/2020 10:30',
    'LEROY',
    '10101010101',
    'fait',
    'toux, fièvre',
    spo2,
    '37,8',
    'oui',
    'bleu',
  ];
  return cells.map((cell, index) => more[index] ?? cell);
};
const RESULTS = [
  ...[
    'N° de résultat',
    'INS',
    'Autorité INS',
    'Nom',
    'Prénom',
    'Né(e) le',
    'Sexe',
    'Laboratoire',
    'Prélevé le',
    'Statut',
  ],
  ...['Test', 'Code', 'Système', 'Examen', 'Résultat', 'Valeur', 'Signe', 'Unité', 'Min'],
];
const result = (id: string, more: Record<string, string>) => {
  const [ins, authority, family, given, born, sex] = row('', '').slice(1, 7);
  const cells = [id, ins!, authority!, family!, given!, born!, sex!, 'Laboratoire des Essais', '12/11/2020 08:15'];
  return RESULTS.map((header, index) => more[header] ?? cells[index] ?? '');
};
const csv = (rows: string[][]) =>
  rows
    .map((cells) => cells.map((one) => (/[;"]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one)).join(';'))
    .join('\r\n');

/** A workbook as office suites write it: shared strings, a date by its number format. */
function workbook(rows: (string | { date: number })[][]): Promise<Buffer> {
  const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
  const strings = rows.flat().filter((one): one is string => typeof one === 'string');
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  let next = 0;
  const cell = (value: string | { date: number }, r: string) =>
    typeof value === 'string' ? `<c r="${r}" t="s"><v>${next++}</v></c>` : `<c r="${r}" s="1"><v>${value.date}</v></c>`;
  const sheet = rows
    .map(
      (cells, y) =>
        `<row r="${y + 1}">${cells.map((one, x) => cell(one, `${String.fromCharCode(65 + x)}${y + 1}`)).join('')}</row>`,
    )
    .join('');
  const zip = new ZipFile();
  const add = (name: string, text: string) =>
    zip.addBuffer(Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`), name);
  add(
    'xl/workbook.xml',
    `<workbook ${main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Appels" sheetId="1" r:id="rId7"/></sheets></workbook>`,
  );
  add(
    'xl/_rels/workbook.xml.rels',
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId7" Type="t" Target="worksheets/sheet9.xml"/></Relationships>',
  );
  add(
    'xl/styles.xml',
    `<styleSheet ${main}><numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
  );
  add('xl/worksheets/sheet9.xml', `<worksheet ${main}><sheetData>${sheet}</sheetData></worksheet>`);
  add('xl/sharedStrings.xml', `<sst ${main}>${strings.map((one) => `<si><t>${escaped(one)}</t></si>`).join('')}</sst>`);
  zip.end();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    zip.outputStream
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => resolve(Buffer.concat(chunks)))
      .on('error', reject);
  });
}

describe('the call sheet as a spreadsheet', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());
  const post = (body: string | Uint8Array, type: string) =>
    gateway.post('/in/telemonitoring/msp-call-sheet', body, { 'content-type': type });
  const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
  const total = async (query: string) => (await gateway.get(`/fhir/R4/${query}`)).body.total as number;

  test('CSV: good rows go through, bad ones are told by row and column, a second time changes nothing', async () => {
    const sheet = csv([
      HEAD,
      row('A-1', '97'),
      row('A-2', 'beaucoup'),
      row('A-3', '95', { 3: '' }),
      [],
      row('A-4', '180'),
      row('A-5', '93', { 11: 'injoignable' }),
    ]);
    const { status, body } = await post(sheet, 'text/csv; charset=utf-8');
    expect(status).toBe(202);
    expect(body.accepted.map((one: any) => one.row)).toEqual([2, 7]);
    expect(
      body.refused.map((one: any) => [
        one.row,
        one.issues[0].expression?.[0] ?? one.issues[0].location?.[0] ?? JSON.stringify(one.issues[0]),
      ]),
    ).toEqual([
      [3, expect.stringContaining('row 3, column N')],
      [4, expect.stringContaining('row 4, column D')],
      [6, expect.stringContaining('row 6, column N')],
    ]);
    expect(JSON.stringify(body.issues)).toContain('column Q');
    expect(JSON.stringify(body)).not.toMatch(/VALMONT|beaucoup|bleu/);
    await settled();
    expect(await total('Encounter?_summary=count')).toBe(2);
    const { body: readings } = await gateway.get('/fhir/R4/Observation?code=2708-6');
    expect(readings.entry.map(({ resource }: any) => resource.valueQuantity.value).sort()).toEqual([93, 97]);
    expect(readings.entry[0].resource.effectiveDateTime).toBe('2020-11-12T10:30:00+01:00');
    const again = await post(sheet, 'text/csv');
    expect(again.body.accepted.map((one: any) => one.duplicate)).toEqual([true, true]);
    await settled();
    expect(await total('Encounter?_summary=count')).toBe(2);
  });

  test('XLSX: the first sheet of the workbook, strings and dates', async () => {
    const cells: (string | { date: number })[] = row('X-1', '96');
    cells[8] = { date: 44147.4375 };
    const { status, body } = await post(await workbook([HEAD, cells]), XLSX);
    expect([status, body.accepted.length, body.refused]).toEqual([202, 1, []]);
    await settled();
    const { body: found } = await gateway.get('/fhir/R4/Encounter?identifier=X-1');
    expect(found.entry[0].resource.period.start).toBe('2020-11-12T10:30:00+01:00');
  });

  test('results of a laboratory: CSV with good and bad rows, then a workbook; corrected under the same number', async () => {
    const to = '/in/telemonitoring/laboratory-results';
    const sheet = csv([
      RESULTS,
      result('L-1', { Test: 'PCR', Résultat: 'positif' }),
      result('L-2', { Test: 'PCR', Résultat: 'peut-être' }),
      result('L-3', { Code: '1988-5', Système: 'LOINC', Examen: 'CRP', Valeur: '8,5', Signe: '<', Unité: 'mg/l' }),
      result('L-4', { Code: 'CRP-US', Système: 'urn:oid:1.2.250.1.999.9.7', Valeur: 'élevée' }),
      result('L-5', { Test: 'sérologie' }),
      result('L-6', { Code: 'NFS', Système: 'urn:oid:1.2.250.1.999.9.7', Valeur: '4,2', Unité: 'G/L', Min: '4' }),
    ]);
    const { status, body } = await gateway.post(to, sheet, { 'content-type': 'text/csv' });
    expect([status, body.accepted.map((one: any) => one.row)]).toEqual([202, [2, 4, 7]]);
    const column = (header: string) => String.fromCharCode(65 + RESULTS.indexOf(header));
    expect(body.refused.map((one: any) => [one.row, JSON.stringify(one.issues)])).toEqual([
      [3, expect.stringContaining(`row 3, column ${column('Résultat')}`)],
      [5, expect.stringContaining(`row 5, column ${column('Valeur')}`)],
      [6, expect.stringContaining('row 6')],
    ]);
    expect(JSON.stringify(body)).not.toMatch(/VALMONT|peut-être|élevée/);
    await settled();
    const { body: crp } = await gateway.get('/fhir/R4/Observation?code=1988-5');
    expect(crp.entry[0].resource).toMatchObject({
      valueQuantity: { value: 8.5, comparator: '<', unit: 'mg/l', code: 'mg/L' },
      effectiveDateTime: '2020-11-12T08:15:00+01:00',
    });
    const { body: local } = await gateway.get('/fhir/R4/Observation?code=urn:oid:1.2.250.1.999.9.7|NFS');
    expect(local.entry[0].resource.valueQuantity).toMatchObject({ value: 4.2, unit: 'G/L', code: '10*9/L' });
    expect(await total('DiagnosticReport?_summary=count')).toBe(3);

    const corrected = result('L-1', { Test: 'PCR', Résultat: 'négatif', Statut: 'rectifié' });
    const again = await gateway.post(to, await workbook([RESULTS, corrected]), { 'content-type': XLSX });
    expect([again.status, again.body.accepted.length, again.body.refused]).toEqual([202, 1, []]);
    await settled();
    const { body: tests } = await gateway.get('/fhir/R4/Observation?code=94500-6');
    expect(
      tests.entry.map(({ resource }: any) => [resource.status, resource.valueCodeableConcept.coding[0].code]),
    ).toEqual([['corrected', '260385009']]);
    expect(await total('DiagnosticReport?_summary=count')).toBe(3);
  });

  test('refused as a whole: no headers, no sheet declared, no table, a bomb', async () => {
    const headless = await post(csv([row('A-1', '97')]), 'text/csv');
    expect([headless.status, JSON.stringify(headless.body)]).toEqual([
      422,
      expect.stringContaining('sheet-column-missing'),
    ]);
    expect(JSON.stringify(headless.body)).not.toContain('VALMONT');
    const unknown = await gateway.post('/in/telemonitoring/covidom', csv([HEAD]), { 'content-type': 'text/csv' });
    expect([unknown.status, JSON.stringify(unknown.body)]).toEqual([415, expect.stringContaining('sheet-unknown')]);
    const broken = await post('PK not a workbook', XLSX);
    expect([broken.status, JSON.stringify(broken.body)]).toEqual([400, expect.stringContaining('sheet-unreadable')]);
    const zip = new ZipFile();
    zip.addBuffer(Buffer.alloc(70 * 1024 * 1024, 32), 'xl/worksheets/sheet1.xml');
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).length).toBeLessThan(200_000);
    const bomb = await readTable(Buffer.concat(chunks), 'xlsx');
    expect(bomb.faults.map(({ code }) => code)).toEqual(['sheet-limit']);
    const long = await readTable(Buffer.from('a;b\n'.repeat(10_002)), 'csv');
    expect(long.faults.map(({ code }) => code)).toEqual(['sheet-limit']);
    const entities = await readTable(await entityBomb(), 'xlsx');
    expect(entities.faults).toHaveLength(1);
  });

  test('convert does the same without storing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'passerelle-sheet-'));
    // As a French spreadsheet saves it: Windows-1252.
    writeFileSync(
      join(folder, 'appels.csv'),
      Buffer.from(csv([HEAD, row('A-1', '97'), row('A-2', 'x')]).replaceAll('’', "'"), 'latin1'),
    );
    const { code, out, err } = await inside(
      ['convert', join(folder, 'appels.csv'), '--route', 'telemonitoring-msp-call-sheet'],
      { PASSERELLE_DATA: folder },
    );
    rmSync(folder, { recursive: true });
    expect([code, JSON.parse(out).entry.length]).toEqual([1, 1]);
    expect(err).toContain('row 3, column N');
  });
});

async function entityBomb(): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(
    Buffer.from(
      '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>',
    ),
    'xl/worksheets/sheet1.xml',
  );
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
