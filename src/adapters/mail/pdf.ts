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

/**
 * A readable copy of a structured document: title, patient, author, then what its sections say, with page numbers and the
 * document's data in the file's own information. Same document, same bytes.
 */
export async function renderPdf(dossier: Dossier, traits: PatientTraits, font?: string): Promise<Uint8Array> {
  const title = titleOf(dossier);
  const { reference, author } = dossier;
  const date = new Date(reference.date ?? 0);
  const pdf = new PDFDocument({
    size: 'A4',
    margins: { top: 56, bottom: 64, left: 56, right: 56 },
    bufferPages: true,
    lang: 'fr-FR',
    displayTitle: true,
    pdfVersion: '1.7',
    font: font ?? 'Helvetica',
    info: {
      Title: title,
      Subject: 'Copie lisible d’un document de santé structuré',
      Author: nameOf(author.practitioner?.name?.[0]) || author.organization?.name || '',
      Producer: 'Passerelle',
      Creator: 'Passerelle',
      CreationDate: date,
      ModDate: date,
    },
  });
  const finished = collect(pdf);
  const print = printer(pdf, font);
  print({ kind: 'text', text: title }, 18);
  for (const text of headLines(dossier, traits)) print({ kind: 'text', text }, 10);
  pdf.moveDown();
  let left = MOST_LINES;
  for (const { line, size } of bodyLines(dossier.composition?.section ?? [])) if (left-- > 0) print(line, size);
  number(pdf, print.shown(`${traits.family} ${traits.given} – ${title}`));
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

/** Helvetica has Western European letters only; what it lacks is written out where that is understood. */
const writtenOut: Record<string, string> = { '≥': '>=', '≤': '<=', '→': '->', '←': '<-', µ: 'µ', μ: 'µ', '−': '-' };

function printer(pdf: Pdf, font?: string) {
  const shown = (text: string) =>
    font
      ? text
      : text
          .normalize('NFC')
          .replace(/[≥≤→←μ−]/g, (sign) => writtenOut[sign] ?? sign)
          .replace(/[\u202f\u00a0\u2009]/g, ' ');
  const print = ({ kind, text }: Line, size: number) => {
    const isHeading = kind === 'heading' || size > 14;
    pdf.font(font ?? (isHeading ? 'Helvetica-Bold' : 'Helvetica')).fontSize(size);
    if (isHeading) pdf.moveDown(0.4);
    pdf.text(`${kind === 'item' ? '• ' : ''}${shown(text)}`, { indent: kind === 'item' ? 12 : 0 });
  };
  return Object.assign(print, { shown });
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
