import type { DoorType } from '../../adapter.ts';
import { configSchema, type MllpConfig } from './config.ts';
import { MllpListener } from './listener.ts';

/** HL7 v2 over MLLP: hospitals, laboratories and imaging push their messages here. */
export const door: DoorType<MllpConfig> = {
  configSchema,
  create: (context) => new MllpListener(context),
};
