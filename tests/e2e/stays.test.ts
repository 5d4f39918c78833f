import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway, until } from './running.ts';

const PID =
  'PID|1||880014^^^CH-ALPHA&990000017&N^PI||ROUSSEAU-TEST^ANATOLE^ANATOLE^^^^L||19510607|M||||||||||24000880^^^CH-ALPHA&990000017&M^AN';

/** A movement of the one stay of this file: sparse, as patient administration systems send it. */
function movement(
  event: string,
  { zbe, pv1 = {} }: { zbe?: string; pv1?: Record<number, string> } = {},
  control = event,
): string {
  const fields = { 2: 'I', 19: 'V880014^^^CH-ALPHA&990000017&M^VN', ...pv1 };
  const visit = Array.from({ length: 52 }, (_, number) => fields[number as keyof typeof fields] ?? '');
  return [
    `MSH|^~\\&|GAM|CH-ALPHA|PASSERELLE|CH-BETA|20240115100000||ADT^${event}^ADT_A01|${control}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|FR||2.11^IHE_FRANCE-2.11-PAM`,
    'EVN||20240115100000||||20240115100000',
    PID,
    `PV1${visit
      .slice(1)
      .map((one) => `|${one}`)
      .join('')}`,
    ...(zbe ? [`ZBE|M-${control}^CH-ALPHA^990000017|${zbe}`] : []),
    '',
  ].join('\r');
}

describe('the movements of a stay, one after another', () => {
  let gateway: RunningGateway;
  const sent = async (message: string) => {
    const answer = await gateway.send(message);
    await until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
    return answer.code;
  };
  const stay = async () => {
    const { body } = await gateway.get('/fhir/R4/Encounter?identifier=V880014');
    expect(body.total).toBe(1);
    return body.entry[0].resource;
  };

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  test('admission, leave, return, an update that says nothing of the stay, discharge', async () => {
    expect(await sent(movement('A01', { zbe: '20240115100000||INSERT|N', pv1: { 44: '20240115100000' } }))).toBe('AA');
    expect(await stay()).toMatchObject({ status: 'in-progress', period: { start: '2024-01-15T10:00:00+01:00' } });

    expect(await sent(movement('A21', { zbe: '20240117090000||INSERT|N' }))).toBe('AA');
    expect(await stay()).toMatchObject({ status: 'onleave', period: { start: '2024-01-15T10:00:00+01:00' } });

    // The update is of the admission, which the leave has followed: the patient is still away.
    expect(await sent(movement('Z99', { zbe: '20240115093000||UPDATE|Y|A01' }))).toBe('AA');
    expect(await stay()).toMatchObject({ status: 'onleave', period: { start: '2024-01-15T09:30:00+01:00' } });

    expect(await sent(movement('A22', { zbe: '20240118180000||INSERT|N' }))).toBe('AA');
    expect(await sent(movement('A08'))).toBe('AA');
    expect(await stay()).toMatchObject({ status: 'in-progress', period: { start: '2024-01-15T09:30:00+01:00' } });

    expect(await sent(movement('A03', { zbe: '20240120110000||INSERT|N' }))).toBe('AA');
    expect(await stay()).toMatchObject({
      status: 'finished',
      period: { start: '2024-01-15T09:30:00+01:00', end: '2024-01-20T11:00:00+01:00' },
    });

    // Said without its end, a stay that has ended stays ended; taken back, the end goes.
    expect(await sent(movement('A08', {}, 'A08-2'))).toBe('AA');
    expect(await stay()).toMatchObject({ status: 'finished', period: { end: '2024-01-20T11:00:00+01:00' } });
    expect(await sent(movement('A13', { zbe: '20240120110000||CANCEL|N|A03' }))).toBe('AA');
    const again = await stay();
    expect(again.status).toBe('in-progress');
    expect(again.period).toEqual({ start: '2024-01-15T09:30:00+01:00' });
  });
});
