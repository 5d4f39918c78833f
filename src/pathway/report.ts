import type { CodeableConcept, DocumentReference, MeasureReport, Resource, Task } from '@medplum/fhirtypes';
import { dayNumber, dayOf } from './days.ts';
import { isFulfilled } from './fulfil.ts';
import { COVISAN, J1_USED, PROFILE } from './names.ts';
import { isOpen } from './surroundings.ts';

/** Days of Europe/Paris, both included. */
export interface Period {
  from: string;
  to: string;
}

/** One figure of the report; `site` only where the resources name one. */
export interface Figure {
  indicator: Indicator;
  site?: string;
  count: number;
}

const INDICATORS = {
  included: 'Patients inclus',
  'calls-made': 'Appels passés',
  'calls-late': 'Appels en retard',
  alerts: 'Alertes',
  results: 'Résultats rendus',
};
type Indicator = keyof typeof INDICATORS;

/** Codes of the tasks that are calls. */
export const CALLS = ['call', 'nurse-call', 'reinforced-call', 'weekly-call'];
const POPULATION = 'http://terminology.hl7.org/CodeSystem/measure-population';

/**
 * The figures of a period, from resources of any types: inclusion requests (by site), calls made and late, alerts, test
 * results. Counts only: nothing of a person comes out. Pure.
 */
export function figures(resources: Resource[], period: Period): Figure[] {
  const counts = new Map<string, Figure>();
  for (const resource of resources) {
    for (const { indicator, day, site } of eventsOf(resource)) {
      if (!day || day < period.from || day > period.to) continue;
      const figure = counts.get(`${indicator}|${site ?? ''}`) ?? { indicator, ...(site ? { site } : {}), count: 0 };
      figure.count += 1;
      counts.set(`${indicator}|${site ?? ''}`, figure);
    }
  }
  const order = Object.keys(INDICATORS) as Indicator[];
  return order.flatMap((indicator) => {
    const own = [...counts.values()].filter((one) => one.indicator === indicator);
    return own.length > 0
      ? own.sort((a, b) => (a.site ?? '').localeCompare(b.site ?? '', 'fr'))
      : [{ indicator, count: 0 }];
  });
}

function eventsOf(resource: Resource): { indicator: Indicator; day?: string; site?: string }[] {
  if (resource.resourceType === 'ServiceRequest' && has(resource.code, ['inclusion'])) {
    return [{ indicator: 'included', day: dayOf(resource.authoredOn), site: resource.performer?.[0]?.display }];
  }
  if (resource.resourceType === 'Task') return taskEvents(resource);
  const isResult = resource.meta?.profile?.includes(`${PROFILE}covid-test-result`);
  if (resource.resourceType === 'Observation' && isResult) {
    return [{ indicator: 'results', day: dayOf(resource.issued ?? resource.effectiveDateTime) }];
  }
  return [];
}

function taskEvents(task: Task): { indicator: Indicator; day?: string }[] {
  if (has(task.code, ['alert-handling'])) return [{ indicator: 'alerts', day: dayOf(task.authoredOn) }];
  // A call that came as a report is counted there, not with the planned one it completed.
  if (!has(task.code, CALLS) || isFulfilled(task)) return [];
  const planned = dayOf(task.restriction?.period?.end);
  const done = dayOf(task.executionPeriod?.end ?? task.executionPeriod?.start ?? task.lastModified) ?? planned;
  if (task.status === 'completed') return [{ indicator: 'calls-made', day: done }];
  return isLate(task) ? [{ indicator: 'calls-late', day: planned }] : [];
}

/**
 * The figures as a MeasureReport of type summary (profile activity-report): a group for each indicator, sites as strata.
 * @param at when the report was made.
 */
export function activityReport(list: Figure[], period: Period, at: Date): MeasureReport {
  const group = (Object.keys(INDICATORS) as Indicator[]).map((indicator) => {
    const own = list.filter((one) => one.indicator === indicator);
    const strata = own.filter((one) => one.site !== undefined);
    return {
      code: { coding: [{ system: COVISAN, code: indicator, display: INDICATORS[indicator] }] },
      population: [population(own.reduce((sum, one) => sum + one.count, 0))],
      ...(strata.length > 0
        ? {
            stratifier: [
              {
                code: [{ text: 'Site' }],
                stratum: strata.map(({ site, count }) => ({ value: { text: site }, population: [population(count)] })),
              },
            ],
          }
        : {}),
    };
  });
  return {
    resourceType: 'MeasureReport',
    meta: { profile: [`${PROFILE}activity-report`] },
    status: 'complete',
    type: 'summary',
    measure: 'http://passerelle.example/fhir/Measure/activity',
    date: at.toISOString(),
    period: { start: period.from, end: period.to },
    group,
  };
}

function population(count: number) {
  return { code: { coding: [{ system: POPULATION, code: 'initial-population' }] }, count };
}

/** The figures as a table that a French spreadsheet opens (RFC 4180 with semicolons). */
export function reportCsv(list: Figure[], period: Period): string {
  return csv([
    ['du', 'au', 'indicateur', 'site', 'nombre'],
    ...list.map(({ indicator, site = '', count }) => [
      period.from,
      period.to,
      INDICATORS[indicator],
      site,
      String(count),
    ]),
  ]);
}

/**
 * The shared follow-up table: a line for each active plan, what is under way and nothing that tells who it is: no name,
 * number, reference or birth date, and lines in the order of what they say.
 * @param day the day the table is made, in Europe/Paris.
 */
export function followUpTable(resources: Resource[], day: string): string {
  const tasks = resources.filter((one) => one.resourceType === 'Task');
  const rows = resources.flatMap((plan) => {
    if (plan.resourceType !== 'CarePlan' || plan.status !== 'active') return [];
    const own = tasks.filter((task) => task.for?.reference === plan.subject.reference && isOpen(task));
    const calls = own.filter((task) => has(task.code, CALLS));
    const next = calls.map((task) => dayOf(task.restriction?.period?.start) ?? '').filter((one) => one >= day);
    const j1 = plan.extension?.find((one) => one.url === J1_USED)?.extension?.find((one) => one.url === 'date');
    const number = j1?.valueDate ? `J${dayNumber(j1.valueDate, day)}` : '';
    const late = calls.filter(isLate).length;
    const alerts = own.filter((task) => has(task.code, ['alert-handling', 'escalation'])).length;
    return [[plan.title ?? '', number, next.sort()[0] ?? '', String(late), String(alerts)]];
  });
  const sorted = rows.sort((a, b) => a.join('\u0000').localeCompare(b.join('\u0000'), 'fr'));
  return csv([['plan', 'jour', 'prochain appel', 'appels en retard', 'alertes ouvertes'], ...sorted]);
}

/** The table as a document without a subject (profile follow-up-table). */
export function followUpDocument(table: string, at: Date): DocumentReference {
  return {
    resourceType: 'DocumentReference',
    meta: { profile: [`${PROFILE}follow-up-table`] },
    status: 'current',
    type: { text: 'Tableau de suivi anonyme' },
    date: at.toISOString(),
    content: [
      {
        attachment: {
          contentType: 'text/csv',
          language: 'fr',
          data: Buffer.from(table).toString('base64'),
          title: 'Tableau de suivi',
          creation: at.toISOString(),
        },
      },
    ],
  };
}

function csv(rows: string[][]): string {
  return rows.map((row) => `${row.map(cell).join(';')}\r\n`).join('');
}

/** A text that a spreadsheet would take for a formula is marked as text. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function has(code: CodeableConcept | undefined, codes: string[]): boolean {
  return code?.coding?.some((one) => one.system === COVISAN && codes.includes(one.code ?? '')) ?? false;
}

function isLate(task: Task): boolean {
  return task.businessStatus?.coding?.some((one) => one.code === 'late') ?? false;
}
