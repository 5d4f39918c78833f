import { readFileSync } from 'node:fs';

/** The messages of the demo. Everybody in them is invented; the INS is one of the national test range. */
export interface Story {
  /** CDA discharge letter, exact bytes. */
  letter: Uint8Array;
  /** MDM^T02 that carries it. */
  message: Uint8Array;
  /** COVISAN inclusion and COVIDOM daily questionnaire. */
  inclusion: object;
  questionnaire: object;
  /** `system|value` of the patient. */
  ins: string;
  /** The same person as a FHIR Patient. */
  patient: object;
}

const INS = { oid: '1.2.250.1.213.1.4.10', value: '254037511408220' };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Tells the story as if the patient had left hospital an hour ago, on the eighth day of the disease.
 *
 * @param mailboxes further professionals' addresses that the hospital wants the letter sent to
 */
export function story(now: Date, mailboxes: string[] = []): Story {
  const at = (ms: number) => new Date(now.getTime() + ms);
  const number = String(now.getTime());
  const letter = Buffer.from(
    fill(readFileSync(new URL('./letter.xml', import.meta.url), 'utf8'), {
      number,
      admitted: hl7(at(-5 * DAY)),
      discharged: hl7(at(-2 * HOUR)),
      dischargeDay: hl7(at(-2 * HOUR)).slice(0, 8),
      written: hl7(at(-HOUR)),
    }),
  );
  return {
    letter,
    message: mdm(letter, number, hl7(now), mailboxes),
    inclusion: inclusion(at, number),
    questionnaire: questionnaire(at, number),
    ins: `urn:oid:${INS.oid}|${INS.value}`,
    patient: {
      resourceType: 'Patient',
      active: true,
      identifier: [{ system: `urn:oid:${INS.oid}`, value: INS.value }],
      name: [{ use: 'official', family: patient.birthName, given: [patient.birthGivenName] }],
      birthDate: patient.birthDate,
      gender: 'female',
    },
  };
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

function mdm(letter: Buffer, number: string, time: string, mailboxes: string[]): Buffer {
  const type = "11490-0^Lettre de liaison à la sortie d'un établissement de soins^LN";
  const segments = [
    `MSH|^~\\&|DPI|TILLEULS|PASSERELLE|CPTS13|${time}||MDM^T02^MDM_T02|DEMO-${number}|P|2.6|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2`,
    `EVN||${time}`,
    `PID|||${INS.value}^^^ASIP-SANTE-INS-NIR&${INS.oid}&ISO^INS^^20200101~IPP-00071833^^^TILLEULS&1.2.250.1.999.1.7.8&ISO^PI||MARVAUX^SOLANGE^SOLANGE ODILE^^^^L~DELTEIL^SOLANGE^^^^^D||19540317|F|||17 rue des Glycines^^PARIS^^75013^FRA^H~^^^^^^BDL^^75114|||||||ADM-5521^^^TILLEULS&1.2.250.1.999.1.7.5&ISO^AN||||||||||||||VALI`,
    'PV1|1|I|PNEUMO3||||||||||||||||SEJ-20261844^^^TILLEULS&1.2.250.1.999.1.7.9&ISO^VN',
    'ORC|NW',
    `OBR|1|||${type}`,
    `TXA|1|11490-0|TEXT|${time}||||||||1.2.250.1.999.1.7.2026.${number}|||||AU`,
    `OBX|1|ED|${type}||^TEXT^XML^Base64^${letter.toString('base64')}||||||F`,
    'PRT||UC||SB^^participation|899700301127^ESTEREL^Fanny^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS|||Hôpital des Tilleuls^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^750999907',
    'PRT||UC||RCT^^participation|899700302240^LORMEAU^Basile^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS||||||||||^NET^X.400^basile.lormeau@cabinet.mssante.example',
    ...mailboxes.map((one) => `PRT||UC||RCT^^participation|||||||||||^NET^X.400^${one}`),
    ...orders({
      MASQUE_PS: 'N',
      INVISIBLE_PATIENT: 'N',
      INVISIBLE_REP_LEGAUX: 'N',
      CONNEXION_SECRETE: 'N',
      MODIF_CONF_CODE: 'N',
      DESTDMP: 'Y',
      DESTMSSANTEPS: 'Y',
      DESTMSSANTEPAT: 'Y',
      ACK_RECEPTION: 'Y',
      ACK_LECTURE_MSS: 'Y',
    }),
  ];
  return Buffer.from(`${segments.join('\r')}\r`);
}

function orders(flags: Record<string, 'Y' | 'N'>): string[] {
  return Object.entries(flags).map(
    ([name, flag], index) => `OBX|${index + 2}|CWE|${name}^${name}^MetaDMPMSS||${flag}^^expandedYes-NoIndicator||||||F`,
  );
}

const patient = {
  ins: INS,
  identifiers: [{ system: 'urn:oid:1.2.250.1.999.1.7.8', value: 'IPP-00071833' }],
  birthName: 'MARVAUX',
  birthGivenName: 'SOLANGE',
  usedName: 'DELTEIL',
  birthDate: '1954-03-17',
  sex: 'F',
};

type At = (ms: number) => Date;

function inclusion(at: At, number: string): object {
  return {
    form: 'covisan-inclusion',
    version: '1',
    id: `INC-${number}`,
    date: paris(at(-40 * 60_000)),
    source: 'hospital-ward',
    patient,
    agreement: { given: true, date: paris(at(0)).slice(0, 10), sharing: true },
    disease: {
      firstSymptoms: paris(at(-7 * DAY)).slice(0, 10),
      status: 'confirmed',
      severity: 'moderate',
      proof: { method: 'rt-pcr', date: paris(at(-6 * DAY)).slice(0, 10), result: 'positive' },
    },
    isolation: { place: 'home', from: paris(at(0)).slice(0, 10), days: 10, voluntary: true },
    generalPractitioner: { rpps: '99700302240', family: 'LORMEAU', given: 'Basile' },
  };
}

function questionnaire(at: At, number: string): object {
  return {
    form: 'covidom-daily',
    version: '1',
    id: `Q-${number}`,
    patient,
    answeredAt: paris(at(-5 * 60_000)),
    enteredBy: 'patient',
    measures: { spo2: { value: 91, unit: '%' }, temperature: { value: 38.4, unit: 'Cel' } },
    symptoms: { dyspnoea: 'yes', cough: 'yes', fever: 'yes' },
  };
}

/** `2026-11-22T18:47:00+01:00`: the time in Paris with its offset. */
function paris(date: Date): string {
  const text = date.toLocaleString('sv-SE', { timeZone: 'Europe/Paris', timeZoneName: 'longOffset' });
  const [, day, time, offset] = /^(\S+) (\S+) GMT([+-]\d\d:\d\d)?/.exec(text) ?? [];
  return `${day}T${time}${offset ?? '+00:00'}`;
}

/** The same as an HL7 timestamp. */
function hl7(date: Date): string {
  return paris(date).replace(/[-:T]/g, (sign, at: number) => (sign === '-' && at > 10 ? '-' : ''));
}
