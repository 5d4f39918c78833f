import { describe } from '@jest/globals';
import { appendContract } from './contract/append.ts';
import { crashContract } from './contract/crash.ts';
import { deliveryContract } from './contract/deliveries.ts';
import { laneContract } from './contract/lanes.ts';
import { leaseContract } from './contract/leases.ts';
import { modelContract } from './contract/model.ts';
import { recordContract } from './contract/records.ts';
import type { Store } from './store.ts';

/** Everything that must be true of a journal, whichever it is. `runs` is the number of random sequences of calls. */
export function journalContract(name: string, fresh: () => Promise<Store>, runs = 60): void {
  describe(`${name} journal`, () => {
    describe('append', () => appendContract(fresh));
    describe('lanes', () => laneContract(fresh));
    describe('leases', () => leaseContract(fresh));
    describe('deliveries', () => deliveryContract(fresh));
    describe('records', () => recordContract(fresh));
    describe('any sequence of calls', () => modelContract(fresh, runs));
    describe('kill -9', () => crashContract(fresh));
  });
}
