import type { CarePlan, DetectedIssue, Observation, Patient, Resource, Task } from '@medplum/fhirtypes';
import { chart, type Point } from './chart.ts';
import { h, show } from './dom.ts';
import { ask, search } from './gateway.ts';
import type { Page } from './page.ts';
import { t, timeInParis } from './words.ts';

const saturation = '59408-5,2708-6';
const temperature = '8310-5';
const firstSymptoms = 'http://passerelle.example/fhir/StructureDefinition/first-symptoms';
const dayLength = 86_400_000;

/** Days since J1 between which a patient must not be lost from sight, both included. */
interface Rules {
  critical: { from: number; to?: number };
}

interface Followed {
  patient: Patient;
  /** J1 as midnight UTC of its calendar day; undefined when nobody knows it. */
  first?: number;
  readings: Observation[];
  alerts: DetectedIssue[];
  tasks: Task[];
}

/** Every patient with an active plan: saturation by day since J1, the critical window shaded, who is alarming first. */
export function followUpPage(): Page {
  return {
    seconds: 15,
    async draw(place) {
      const [followed, { critical }] = await Promise.all([everybody(), ask<Rules>('rules.json')]);
      followed.sort((a, b) => open(b).length - open(a).length || (lastValue(a) ?? 100) - (lastValue(b) ?? 100));
      show(
        place,
        h('div', { class: 'bar' }, h('h1', {}, t('plans')), h('span', { class: 'soft' }, followed.length)),
        h(
          'div',
          { class: 'cards' },
          followed.map((one) => card(one, critical)),
        ),
        followed.length === 0 && h('p', { class: 'soft' }, t('none')),
      );
    },
  };
}

async function everybody(): Promise<Followed[]> {
  const plans = await search<Resource>('CarePlan?status=active&_include=CarePlan:subject&_count=200');
  const patients = plans.filter((one): one is Patient => one.resourceType === 'Patient');
  const followed = new Map<string, Followed>(
    patients.map((patient) => [`Patient/${patient.id}`, { patient, readings: [], alerts: [], tasks: [] }]),
  );
  for (const plan of plans.filter((one): one is CarePlan => one.resourceType === 'CarePlan')) {
    const date = plan.extension?.find((one) => one.url === firstSymptoms)?.extension?.find((one) => one.url === 'date');
    const one = followed.get(plan.subject.reference ?? '');
    if (one && date?.valueDate) one.first = Date.parse(date.valueDate);
  }
  // Some at a time: an address holds no thousand patients.
  const ids = [...followed.keys()].map((reference) => reference.split('/')[1]);
  for (let at = 0; at < ids.length; at += 50) {
    const some = `patient=${ids.slice(at, at + 50).join(',')}`;
    const [readings, alerts, tasks] = await Promise.all([
      search<Observation>(`Observation?${some}&code=${saturation},${temperature}&_sort=date&_count=500`),
      search<DetectedIssue>(`DetectedIssue?${some}&_count=500`),
      search<Task>(`Task?${some}&status=requested,received,accepted,ready,in-progress&_count=500`),
    ]);
    for (const one of readings) followed.get(one.subject?.reference ?? '')?.readings.push(one);
    for (const one of alerts) followed.get(one.patient?.reference ?? '')?.alerts.push(one);
    for (const one of tasks) followed.get(one.for?.reference ?? '')?.tasks.push(one);
  }
  return [...followed.values()];
}

function card(one: Followed, critical: Rules['critical']): HTMLElement {
  const { patient, first, tasks } = one;
  const name = patient.name?.find((entry) => entry.use === 'usual') ?? patient.name?.[0];
  const day = first === undefined ? undefined : Math.floor((Date.now() - first) / dayLength) + 1;
  const next = tasks.filter((task) => task.restriction?.period?.end).sort(byDue)[0];
  const due = next?.restriction?.period?.end;
  const late = due !== undefined && Date.parse(due) < Date.now();
  return h(
    'section',
    { class: 'card' },
    h(
      'div',
      { class: 'bar' },
      h('a', { href: `#/resource/Patient/${patient.id}` }, `${name?.family ?? ''} ${name?.given?.join(' ') ?? ''}`),
      day !== undefined &&
        h(
          'span',
          { class: day >= critical.from && day <= (critical.to ?? Infinity) ? 'chip warning' : 'chip soft' },
          `J${day}`,
        ),
      open(one).length > 0 && h('span', { class: 'chip error' }, `${t('alerts')} : ${open(one).length}`),
    ),
    curve(one, critical, saturation, [88, 100], [90, 95, 100], t('saturation')),
    curve(one, critical, temperature, [36, 40], [37, 38, 39], t('temperature')),
    next &&
      h(
        'p',
        { class: late ? 'overdue small' : 'soft small' },
        h(
          'a',
          { href: `#/resource/Task/${next.id}` },
          next.code?.text ?? next.code?.coding?.[0]?.display ?? next.description ?? t('tasks'),
        ),
        ` · ${t('due')} ${timeInParis(due)}${late ? ` · ${t('late')}` : ''}`,
      ),
  );
}

function curve(
  one: Followed,
  critical: Rules['critical'],
  codes: string,
  y: [number, number],
  lines: number[],
  label: string,
): HTMLElement | SVGElement {
  const wanted = codes.split(',');
  const readings = one.readings.filter((reading) =>
    reading.code.coding?.some(({ code }) => wanted.includes(code ?? '')),
  );
  if (readings.length === 0) return h('p', { class: 'soft small' }, `${label} : ${t('noReading')}`);
  const implicated = new Set(one.alerts.flatMap((alert) => alert.implicated?.map(({ reference }) => reference) ?? []));
  const start = one.first ?? Date.parse(readings[0]?.effectiveDateTime?.slice(0, 10) ?? '');
  const points: Point[] = readings.flatMap((reading) => {
    const { effectiveDateTime, valueQuantity, id } = reading;
    if (effectiveDateTime === undefined || valueQuantity?.value === undefined) return [];
    const title = `${timeInParis(effectiveDateTime)} · ${valueQuantity.value} ${valueQuantity.unit ?? ''}`;
    const x = (Date.parse(effectiveDateTime) - start) / dayLength + 1;
    return [{ x, y: valueQuantity.value, alert: implicated.has(`Observation/${id}`), title }];
  });
  const last = Math.max(14, ...points.map((point) => Math.ceil(point.x)));
  return chart(points, {
    width: 340,
    height: 130,
    x: [1, last + 1],
    y,
    lines,
    ticks: [1, 4, 7, 10, 14, 21].filter((at) => at <= last).map((at) => ({ at: at + 0.5, label: `J${at}` })),
    ...(one.first === undefined ? {} : { window: [critical.from, (critical.to ?? last) + 1] as [number, number] }),
    label,
    dots: true,
  });
}

/** Alerts that nobody has dealt with. */
function open({ tasks }: Followed): Task[] {
  return tasks.filter((one) =>
    one.code?.coding?.some(({ code }) => code === 'alert-handling' || code === 'escalation'),
  );
}

function lastValue({ readings }: Followed): number | undefined {
  const wanted = saturation.split(',');
  return readings.findLast((one) => one.code.coding?.some(({ code }) => wanted.includes(code ?? '')))?.valueQuantity
    ?.value;
}

function byDue(a: Task, b: Task): number {
  return Date.parse(a.restriction?.period?.end ?? '') - Date.parse(b.restriction?.period?.end ?? '');
}
