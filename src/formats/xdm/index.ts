import { ZipFile } from 'yazl';
import { metadataXml, text } from './metadata.ts';
import type { XdmSubmission } from './tree.ts';

export { metadataXml } from './metadata.ts';
export { type ArchivedDocument, archiveLimits, type ReadArchive, readArchive } from './read.ts';
export type { XdmDocument, XdmSubmission, XdsCode } from './tree.ts';

/** One moment for every entry, so that the same submission gives the same archive. */
const ENTRY_TIME = new Date(Date.UTC(1980, 0, 1, 12));

/** IHE_XDM.zip: INDEX.HTM, README.TXT, IHE_XDM/SUBSET01/METADATA.XML and the documents. IHE ITI TF-2, 3.32 */
export async function write(submission: XdmSubmission): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(writePieces(submission)));
}

/** The same in pieces, for who passes an archive on: it is not put together once more. */
export async function* writePieces(submission: XdmSubmission): AsyncGenerator<Buffer> {
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
  for await (const chunk of zip.outputStream) yield chunk as Buffer;
}

const XHTML =
  '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.1//EN" "http://www.w3.org/TR/xhtml-basic/xhtml-basic11.dtd">';

/** 3.32.4.1.2.2: XHTML Basic, so it is XML too. */
function indexHtm({ documents, title }: XdmSubmission): string {
  const items = documents.map(
    (one) => `<li><a href="IHE_XDM/SUBSET01/${one.uri}">${text(one.title)}</a> (${text(one.mimeType)})</li>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    XHTML,
    '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">',
    `<head><title>${text(title)}</title></head>`,
    `<body><h1>${text(title)}</h1><ul>${items.join('')}</ul><p><a href="README.TXT">README.TXT</a></p></body>`,
    '</html>',
    '',
  ].join('\n');
}

/** 3.32.4.1.2.3: who made it, by what, how it is laid out, what is in it. */
function readme({ documents, from, sourceId }: XdmSubmission): string {
  return [
    'Lot de documents de santé au format IHE XDM.',
    `Émetteur : ${[from, `système ${sourceId}`].filter(Boolean).join(', ')}`,
    'Logiciel : Passerelle',
    'INDEX.HTM s’ouvre dans un navigateur ; les documents sont dans IHE_XDM/SUBSET01,',
    'leurs métadonnées dans IHE_XDM/SUBSET01/METADATA.XML.',
    ...documents.map(({ uri, mimeType }) => `Document : IHE_XDM/SUBSET01/${uri} (${mimeType})`),
    'Ces documents sont couverts par le secret médical.',
    '',
  ].join('\r\n');
}
