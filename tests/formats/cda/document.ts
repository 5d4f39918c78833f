/** Smallest documents about invented people, for unit tests; each piece can be replaced. */
export interface Pieces {
  header?: string;
  patient?: string;
  ids?: string;
  body?: string;
  id?: string;
  root?: string;
}

const NAMESPACES = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

export const patientName =
  '<name><family qualifier="BR">BELLERIVE</family><given>Odile Marthe</given><given qualifier="BR">Odile</given>' +
  '<family qualifier="CL">CASTAING</family><given qualifier="CL">Odile</given></name>';

export function document(pieces: Pieces = {}): string {
  const {
    id = '<id root="1.2.250.1.999.1.1" extension="DOC-1"/>',
    ids = '<id root="1.2.250.1.213.1.4.10" extension="258046938104578"/><id root="1.2.250.1.999.1.2" extension="42"/>',
    patient = `<patient>${patientName}<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19580417"/></patient>`,
    header = '',
    body = '<component><nonXMLBody><text>plain</text></nonXMLBody></component>',
    root = 'ClinicalDocument',
  } = pieces;
  return (
    `<${root} ${NAMESPACES}><templateId root="1.2.250.1.213.1.1.1.1"/>${id}<code code="34112-3" codeSystem="2.16.840.1.113883.6.1"/>` +
    `<title>Titre</title><effectiveTime value="20210305161500+0100"/><setId root="1.2.250.1.999.1.1" extension="SET-1"/>` +
    `<versionNumber value="2"/><recordTarget><patientRole>${ids}${patient}</patientRole></recordTarget>` +
    `<author><time value="2021"/><assignedAuthor/></author><custodian><assignedCustodian/></custodian>${header}${body}</${root}>`
  );
}

/** A level 3 body of one section. */
export function section(text: string, entries = ''): string {
  return `<component><structuredBody><component><section><code code="8716-3" codeSystem="2.16.840.1.113883.6.1"/><text>${text}</text>${entries}</section></component></structuredBody></component>`;
}

export function observation(value: string, more = ''): string {
  return `<entry><observation classCode="OBS" moodCode="EVN"><code code="1" codeSystem="1.2.3"/>${value}${more}</observation></entry>`;
}

export const utf8 = (text: string) => new TextEncoder().encode(text);
