import { openMllp } from '../../src/cli/send-mllp.ts';

/** One message of the sender's own ledger. */
export interface Entry {
  patient: number;
  /** Grows by one for each message about the patient. */
  sequence: number;
  acknowledged: boolean;
}

/**
 * A hospital that sends movements of its patients one after the other, waits for each acknowledgement, and sends a message
 * again until it has one: what it then holds to be done must be on the FHIR server.
 */
export async function sendAll(round: string, patients: number[], each: number, mllp: number): Promise<Entry[]> {
  const ledger: Entry[] = [];
  await Promise.all(
    patients.map(async (patient) => {
      for (let sequence = 1; sequence <= each; sequence++) {
        const entry = { patient, sequence, acknowledged: false };
        ledger.push(entry);
        const message = Buffer.from(movement(round, patient, sequence));
        for (let tries = 0; tries < 400 && !entry.acknowledged; tries++)
          entry.acknowledged = await sendOnce(message, mllp);
      }
    }),
  );
  return ledger;
}

async function sendOnce(message: Buffer, mllp: number): Promise<boolean> {
  try {
    const connection = await openMllp(`mllp://127.0.0.1:${mllp}`, 3000);
    try {
      return (await connection.send(message)).code === 'AA';
    } finally {
      connection.close();
    }
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}

/** An admission with a stay of its own; the patient's telephone number is the sequence, so that order can be seen. */
function movement(round: string, patient: number, sequence: number): string {
  const time = `20261101${String(8 + Math.floor(sequence / 60)).padStart(2, '0')}${String(sequence % 60).padStart(2, '0')}00+0100`;
  const letters = [...`${round}${patient}`].map((sign) => 'ABCDEFGHIJ'[Number(sign)] ?? 'X').join('');
  return [
    `MSH|^~\\&|GAM|CHAOS|PASSERELLE|VILLE|${time}||ADT^A01^ADT_A01|R${round}-${patient}-${sequence}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE-2.11-PAM`,
    `EVN||${time}`,
    `PID|||R${round}P${patient}^^^CHAOS&1.2.250.1.999.3.1&ISO^PI||ESSAI${letters}^ALIX^ALIX^^^^L||19${60 + (patient % 30)}0412|F|||||^PRN^PH^^^^^^^^^${String(sequence).padStart(10, '0')}|||||ADM^^^CHAOS&1.2.250.1.999.3.2&ISO^AN||||||||||||||PROV`,
    `PV1|1|I|PNEUMO3||||||||||||||||R${round}P${patient}S${sequence}^^^CHAOS&1.2.250.1.999.3.3&ISO^VN`,
    `ZBE|R${round}P${patient}M${sequence}^CHAOS^1.2.250.1.999.3.4^ISO|${time}||INSERT|N||||HMS`,
    '',
  ].join('\r');
}
