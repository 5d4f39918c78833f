import { ZipFile } from 'yazl';
import { metadataXml } from './metadata.ts';
import type { XdmSubmission } from './tree.ts';

export { metadataXml } from './metadata.ts';
export { type ArchivedDocument, archiveLimits, type ReadArchive, readArchive } from './read.ts';
export type { XdmDocument, XdmSubmission, XdsCode } from './tree.ts';

/** One moment for every entry, so that the same submission gives the same archive. */
const ENTRY_TIME = new Date(Date.UTC(1980, 0, 1, 12));

/** IHE_XDM.zip: INDEX.HTM, README.TXT, IHE_XDM/SUBSET01/METADATA.XML and the documents. IHE ITI TF-2, 3.32 */
export async function write(submission: XdmSubmission): Promise<Uint8Array> {
  const zip = new ZipFile();
  const add = (content: Uint8Array | string, name: string) => {
    // Without a copy: documents may be large.
    const bytes =
      typeof content === 'string'
        ? Buffer.from(content)
        : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    zip.addBuffer(bytes, name, { mtime: ENTRY_TIME, mode: 0o100644 });
  };
  add(indexHtm(submission), 'INDEX.HTM');
  add(readme(submission), 'README.TXT');
  add(metadataXml(submission), 'IHE_XDM/SUBSET01/METADATA.XML');
  for (const { uri, bytes } of submission.documents) add(bytes, `IHE_XDM/SUBSET01/${uri}`);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function indexHtm({ documents }: XdmSubmission): string {
  const items = documents.map(({ uri }) => `<li><a href="IHE_XDM/SUBSET01/${uri}">${uri}</a></li>`).join('');
  return `<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8"><title>Documents de santé</title></head><body><p>Documents de ce lot :</p><ul>${items}</ul><p><a href="README.TXT">README.TXT</a></p></body></html>\n`;
}

function readme({ documents }: XdmSubmission): string {
  return [
    'Lot de documents de santé au format IHE XDM.',
    'Les métadonnées sont dans IHE_XDM/SUBSET01/METADATA.XML.',
    `Documents : ${documents.map(({ uri }) => uri).join(', ')}`,
    '',
  ].join('\r\n');
}
