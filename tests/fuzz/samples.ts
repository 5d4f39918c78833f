import type { XdmSubmission } from '../../src/formats/xdm/index.ts';

/** One invented letter, as it would be archived. */
export const submission: XdmSubmission = {
  uniqueId: '2.25.1',
  sourceId: '1.2.250.1.999.1.1',
  title: 'Lot',
  submissionTime: '20240120103000',
  documents: [
    {
      uri: 'DOC00001.XML',
      bytes: Buffer.from('<ClinicalDocument xmlns="urn:hl7-org:v3"/>'),
      mimeType: 'text/xml',
      uniqueId: '1.2.250.1.999.12',
      title: 'Lettre « Été » & <suite>',
      creationTime: '20240120103000',
      languageCode: 'fr-FR',
      confidentiality: [],
      patientId: '284026912345689^^^&1.2.250.1.213.1.4.10&ISO^NH',
      sourcePatientInfo: [],
    },
  ],
};

/** A mail as the gateway takes it in: a text, and an archive. */
export function mailWith(archive: Uint8Array): Buffer {
  const lines = [
    'From: =?utf-8?B?w4l0w6k=?= <a@exemple.mssante.fr>',
    'To: b@exemple.mssante.fr',
    'Subject: XDM/1.0/DDM+essai',
    'Message-ID: <1@exemple.mssante.fr>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="x"',
    '',
    '--x',
    'Content-Type: text/plain; charset=iso-8859-15',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Bonjour =E9',
    '--x',
    'Content-Type: application/zip; name="IHE_XDM.zip"',
    'Content-Disposition: attachment; filename="IHE_XDM.zip"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(archive).toString('base64'),
    '--x--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** The report of somebody's software that a mail was displayed. */
export const report = Buffer.from(
  [
    'From: b@exemple.mssante.fr',
    'Message-ID: <2@exemple.mssante.fr>',
    'Content-Type: multipart/report; report-type=disposition-notification; boundary=x',
    '',
    '--x',
    'Content-Type: message/disposition-notification',
    '',
    'Final-Recipient: rfc822;b@exemple.mssante.fr',
    'Original-Message-ID: <1@exemple.mssante.fr>',
    'Disposition: manual-action/MDN-sent-manually; displayed',
    '--x--',
    '',
  ].join('\r\n'),
);
