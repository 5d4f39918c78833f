import type { Router } from 'express';
import { languageOf, refuse } from '../adapter/answer.ts';
import { type Fault, isError, operationOutcome } from '../errors.ts';
import { tableFormat } from '../formats/table/index.ts';

/** Takes a spreadsheet row by row, as `takeSheet` of the pipeline does. */
export type TakeSheet = (sheet: {
  bytes: Uint8Array;
  format: 'csv' | 'xlsx';
  route: string;
  door: string;
  sender?: string;
}) => Promise<{
  accepted: { row: number; id: string; duplicate: boolean }[];
  refused: { row: number; id?: string; faults: Fault[] }[];
  faults: Fault[];
}>;

/**
 * `POST /in/telemonitoring/VENDOR` with `text/csv` or an .xlsx workbook: a form a row. `202` when at least one row was taken,
 * `422` when none was; each row with its message or with what is wrong, by row and column.
 */
export function sheetRoutes(router: Router, take: TakeSheet): void {
  router.post('/in/telemonitoring/:vendor', async (request, response, next) => {
    const format = tableFormat(request.get('content-type'));
    const vendor = String(request.params.vendor);
    if (!format || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(vendor)) return next();
    const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
    const route = `telemonitoring-${vendor}`;
    const taken = await take({ bytes, format, route, door: 'telemonitoring', sender: request.caller?.clientId });
    if (taken.faults.some(isError)) return refuse(request, response, taken.faults);
    const language = languageOf(request);
    const issues = (faults: Fault[]) => operationOutcome(faults, language).issue;
    response.status(taken.accepted.length > 0 || taken.refused.length === 0 ? 202 : 422).json({
      accepted: taken.accepted,
      refused: taken.refused.map(({ faults, ...row }) => ({ ...row, issues: issues(faults) })),
      ...(taken.faults.length > 0 ? { issues: issues(taken.faults) } : {}),
    });
  });
}
