import type { Router } from 'express';
import type { Caller } from '../access/caller.ts';
import { decide } from '../access/decide.ts';
import { languageOf, refuse } from '../adapter/answer.ts';
import { type Fault, fault, operationOutcome } from '../errors.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import type { MessageState } from '../message.ts';

const states: MessageState[] = ['accepted', 'delivered', 'quarantined', 'refused', 'dead'];
const mostListed = 1000;

/**
 * `GET /messages/ID` for a message's sender and for operators; for operators alone `GET /messages?state=`, `GET /unmapped` and
 * `POST /messages/ID/replay`.
 */
export function messageRoutes(router: Router, journal: Pick<Journal, 'get' | 'list' | 'unmapped' | 'replay'>): void {
  router.get('/messages/:id', async (request, response) => {
    const { id } = request.params;
    const record = /^[0-9a-f-]{36}$/.test(id) ? await journal.get(id) : undefined;
    // What is not theirs is, to them, not there.
    if (!record || !maySee(request.caller as Caller, record))
      return refuse(request, response, [fault('message-unknown')]);
    response.json(messageView(record, languageOf(request)));
  });

  router.get('/messages', async (request, response) => {
    const { state, limit = '100', before } = request.query;
    const wrong = (name: string, expected: string) => fault('parameter-invalid', { params: { name, expected } });
    const faults = [
      ...(state === undefined || states.includes(state as MessageState) ? [] : [wrong('state', states.join(', '))]),
      ...(/^[1-9]\d{0,3}$/.test(String(limit)) ? [] : [wrong('limit', `1 … ${mostListed}`)]),
      ...(before === undefined || /^[0-9a-f-]{36}$/.test(String(before)) ? [] : [wrong('before', 'a message id')]),
    ];
    if (faults.length > 0) return refuse(request, response, faults);
    const records = await journal.list({
      state: state as MessageState | undefined,
      limit: Math.min(Number(limit), mostListed),
      before: before as string | undefined,
    });
    response.json({ messages: records.map((record) => messageView(record, languageOf(request))) });
  });

  router.get('/unmapped', async (_request, response) => {
    response.json({ codes: await journal.unmapped() });
  });

  router.post('/messages/:id/replay', async (request, response) => {
    const { id } = request.params;
    const record = /^[0-9a-f-]{36}$/.test(id) ? await journal.get(id) : undefined;
    if (!record) return refuse(request, response, [fault('message-unknown')]);
    const replayed = await journal.replay({ ids: [id] });
    response.status(202).location(`/messages/${id}`).json({ id, replayed });
  });
}

/** Its sender, or whoever may read the audit trail. */
function maySee(caller: Caller, record: MessageRecord): boolean {
  if (record.client !== undefined ? record.client === caller.clientId : record.sender === caller.clientId) return true;
  const decision = decide(caller, { anyOf: [{ type: 'AuditEvent', permission: 'r' }], on: 'other' });
  return decision.granted && decision.within === undefined;
}

/** A message as the outside sees it: states, times (ISO 8601, UTC), references, issues with sentences. */
export function messageView(record: MessageRecord, language: 'fr' | 'en') {
  const issues = (faults: Fault[]) => operationOutcome(faults, language).issue;
  const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  return {
    id: record.id,
    state: record.state,
    kind: record.kind,
    door: record.door,
    sender: record.sender,
    format: record.format,
    route: record.route,
    size: record.size,
    receivedAt: time(record.receivedAt),
    settledAt: time(record.settledAt),
    attempts: record.attempts,
    nextAttemptAt: time(record.nextAttemptAt),
    references: record.references,
    issues: issues(record.faults),
    maps: record.maps,
    deliveries: record.deliveries.map((delivery) => ({
      id: delivery.id,
      destination: delivery.destination,
      kind: delivery.kind,
      state: delivery.state,
      attempts: delivery.attempts,
      nextAttemptAt: time(delivery.nextAttemptAt),
      settledAt: time(delivery.settledAt),
      references: delivery.references,
      receipts: delivery.receipts,
      issues: issues(delivery.faults),
    })),
  };
}
