import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const HOSPITAL = 'cardiologie@ch-alpha.mssante.fr';
export const GP = 'hugo.traitant@medecin.mssante.fr';

const golden = readFileSync(join(import.meta.dirname, '..', 'golden', 'hl7v2-mdm-t02', 'input.hl7')).toString('latin1');
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;

/** CDA inside the message that `document` makes. */
export function cdaOf(number: number): Buffer {
  const cda = Buffer.from(LEADER.exec(golden)![2]!, 'base64').toString('utf8');
  return Buffer.from(cda.replaceAll('1.2.250.1.999.7.2.101', idOf(number)), 'utf8');
}

export function idOf(number: number): string {
  return `1.2.250.1.999.7.2.${7000 + number}`;
}

/** An MDM^T02 to one professional that asks for both acknowledgements; every number is another document. */
export function document(number: number, recipient = GP): Buffer {
  const message = golden
    .replace(LEADER, `$1${cdaOf(number).toString('base64')}`)
    .replaceAll('1.2.250.1.999.7.2.101', idOf(number))
    .replace('T02-1', `REAL-${number}`)
    .replace(/(ACK_LECTURE_MSS\^MetaDMPMSS\|\|)N/, '$1Y')
    .replace(/(\|DESTMSSANTEPAT\^DESTMSSANTEPAT\^MetaDMPMSS\|\|)Y/, '$1N')
    .replaceAll(GP, recipient);
  return Buffer.from(message, 'latin1');
}
