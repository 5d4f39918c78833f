import { fileURLToPath } from 'node:url';
import type { CompositionSection } from '@medplum/fhirtypes';
import PDFDocument from 'pdfkit';
import type { Dossier } from './dossier.ts';
import { type Line, linesOf } from './narrative.ts';
import type { PatientTraits } from './patient.ts';
import { titleOf } from './submission.ts';

/** Deepest sections and most lines that are printed. */
const DEEPEST = 8;
const MOST_LINES = 50_000;

type Pdf = InstanceType<typeof PDFDocument>;

const fontFile = (name: string) => fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
/** Letters of Europe, Arabic and Hebrew, arrows and signs of comparison; embedded, as PDF/A asks. */
const REGULAR = fontFile('DejaVuSans');
const BOLD = fontFile('DejaVuSans-Bold');

/**
 * A readable copy of a structured document: title, patient, author, then what its sections say, with page numbers and the
 * document's data in the file's own information. Same document, same bytes. PDF/A-1b (ISO 19005-1): what is archived with the
 * mail can be read as long as it is kept.
 * @param own file of a TrueType font to be used instead
 */
export async function renderPdf(dossier: Dossier, traits: PatientTraits, own?: string): Promise<Uint8Array> {
  const { reference, author } = dossier;
  const title = asMetadata(titleOf(dossier)) || 'Document';
  const by = asMetadata(nameOf(author.practitioner?.name?.[0]) || author.organization?.name || '');
  const date = new Date(reference.date ?? 0);
  const pdf = new PDFDocument({
    size: 'A4',
    margins: { top: 56, bottom: 64, left: 56, right: 56 },
    bufferPages: true,
    lang: 'fr-FR',
    displayTitle: true,
    pdfVersion: '1.4',
    subset: 'PDF/A-1b',
    font: own ?? REGULAR,
    info: {
      Title: title,
      Subject: 'Copie lisible d’un document de santé structuré',
      ...(by ? { Author: by } : {}),
      Producer: 'Passerelle',
      Creator: 'Passerelle',
      CreationDate: date,
    },
  });
  const finished = collect(pdf);
  const print = printer(pdf, own);
  print({ kind: 'text', text: titleOf(dossier) }, 18);
  for (const text of headLines(dossier, traits)) print({ kind: 'text', text }, 10);
  pdf.moveDown();
  let left = MOST_LINES;
  for (const { line, size } of bodyLines(dossier.composition?.section ?? [])) if (left-- > 0) print(line, size);
  number(pdf, print.shown(`${traits.family} ${traits.given} – ${titleOf(dossier)}`));
  pdf.end();
  return finished;
}

function headLines({ reference, author }: Dossier, traits: PatientTraits): string[] {
  const day = reference.date?.slice(0, 10).split('-').reverse().join('/');
  const by = [nameOf(author.practitioner?.name?.[0]), author.organization?.name].filter(Boolean).join(', ');
  return [
    `Patient : ${traits.family} ${traits.given}${traits.birthDate ? `, né(e) le ${traits.birthDate}` : ''}`,
    ...(traits.ins ? [`INS : ${traits.ins.value}`] : []),
    ...(by ? [`Auteur : ${by}`] : []),
    ...(day ? [`Date du document : ${day}`] : []),
  ];
}

function* bodyLines(sections: CompositionSection[], depth = 0): Generator<{ line: Line; size: number }> {
  for (const section of depth > DEEPEST ? [] : sections) {
    if (section.title) yield { line: { kind: 'heading', text: section.title }, size: 14 - Math.min(depth, 3) };
    for (const line of linesOf(section.text?.div ?? '')) yield { line, size: 10 };
    yield* bodyLines(section.section ?? [], depth + 1);
  }
}

/** The same text stands in the file's information and, unescaped, in its XMP: both must agree, and be XML. */
function asMetadata(text: string): string {
  const plain: Record<string, string> = { '&': 'et', '<': '‹', '>': '›' };
  return text.replace(/[&<>]/g, (sign) => plain[sign]!).replace(/[^\P{C}]/gu, ' ');
}

function printer(pdf: Pdf, own?: string) {
  const shown = (text: string) => text.normalize('NFC').replace(/./gsu, (sign) => (has(pdf, sign) ? sign : LACKING));
  const print = ({ kind, text }: Line, size: number) => {
    const isHeading = kind === 'heading' || size > 14;
    pdf.font(own ?? (isHeading ? BOLD : REGULAR)).fontSize(size);
    if (isHeading) pdf.moveDown(0.4);
    pdf.text(`${kind === 'item' ? '• ' : ''}${shown(text)}`, { indent: kind === 'item' ? 12 : 0 });
  };
  return Object.assign(print, { shown });
}

/** Shown in the place of what the font lacks, so that nobody takes a text for whole that is not. */
const LACKING = '\ufffd';

function has(pdf: Pdf, sign: string): boolean {
  if (/\s/.test(sign)) return true;
  // The type of the library hides the font that is in use.
  const { _font: used } = pdf as unknown as { _font: { font: { hasGlyphForCodePoint(code: number): boolean } } };
  return used.font.hasGlyphForCodePoint(sign.codePointAt(0)!);
}

function number(pdf: Pdf, footer: string): void {
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page);
    // Below the margin no new page may begin.
    pdf.page.margins.bottom = 0;
    const at = pdf.page.height - 40;
    pdf.fontSize(8).text(footer, 56, at, { width: 400, height: 10, ellipsis: true, lineBreak: false });
    pdf.text(`Page ${page - start + 1}/${count}`, 456, at, { width: 84, align: 'right', lineBreak: false });
  }
}

function nameOf(name: { family?: string; given?: string[] } | undefined): string {
  return [name?.given?.[0], name?.family].filter(Boolean).join(' ');
}

async function collect(pdf: Pdf): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of pdf) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
