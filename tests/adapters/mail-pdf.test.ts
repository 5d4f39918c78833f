import { expect, test } from '@jest/globals';
import { renderPdf } from '../../src/adapters/mail/pdf.ts';
import { readXml } from '../../src/formats/xml/index.ts';
import { letterOf, paragraph, traits } from './mail-letter.ts';

const rendered = async (narrative: string, title?: string) =>
  Buffer.from(await renderPdf(letterOf(narrative, title), traits));

test('several pages with their own information, the same every time', async () => {
  const pdf = await rendered(paragraph.repeat(120));
  const text = pdf.toString('latin1');
  expect(text).toContain('(Lettre de liaison)');
  expect(text.match(/\/Type \/Page\b(?!s)/g)!.length).toBeGreaterThan(2);
  expect(pdf.equals(await rendered(paragraph.repeat(120)))).toBe(true);
});

/** ISO 19005-1; an independent judge looks at it in `tests/conformance/pdf-a.test.ts`. */
test('PDF/A-1b: fonts embedded, output intent, XMP that is XML and says what the information says', async () => {
  const text = (await rendered(paragraph, 'Lettre de <liaison> & suite')).toString('latin1');
  expect(text.slice(0, 8)).toBe('%PDF-1.4');
  expect(text).toContain('/Lang (fr-FR)');
  expect(text).toMatch(/\/OutputIntents \[/);
  expect(text).toMatch(/\/ID \[<[0-9a-f]{32}> <[0-9a-f]{32}>\]/);
  expect(text).not.toContain('/Encrypt');
  expect(text).not.toMatch(/\/Subtype \/(Type1|TrueType)\b/);
  const count = (pattern: RegExp) => text.match(pattern)?.length;
  expect([count(/\/Type \/FontDescriptor/g), count(/\/FontFile2 /g)]).toEqual([2, 2]);
  const packet = Buffer.from(/<x:xmpmeta[\s\S]*<\/x:xmpmeta>/.exec(text)![0], 'latin1');
  expect(readXml(packet, { namespaces: {} }).fault).toBeUndefined();
  for (const said of [
    '<pdfaid:part>1<',
    '<pdfaid:conformance>B<',
    '>Lettre de ‹liaison› et suite<',
    '>Inès SOIGNANT-TEST<',
  ])
    expect(packet.toString('utf8')).toContain(said);
});

test('what the font lacks is shown as lacking, not left out', async () => {
  const chinese = await rendered('日本');
  expect(chinese.equals(await rendered('\ufffd\ufffd'))).toBe(true);
  expect(chinese.equals(await rendered(''))).toBe(false);
});
