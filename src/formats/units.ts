/** How people write units that have another spelling in UCUM. */
const SPELLINGS: Record<string, string> = {
  '°C': 'Cel',
  C: 'Cel',
  '°F': '[degF]',
  F: '[degF]',
  mmHg: 'mm[Hg]',
  '[kg]': 'kg',
  degC: 'Cel',
  celsius: 'Cel',
  'mm Hg': 'mm[Hg]',
  percent: '%',
  bpm: '/min',
  rpm: '/min',
  'breaths/min': '/min',
  '{beats}/min': '/min',
  cpm: '/min',
  'L/min': 'L/min',
  'l/min': 'L/min',
  'g/l': 'g/L',
  'mg/l': 'mg/L',
  'mg/dl': 'mg/dL',
  'mmol/l': 'mmol/L',
};

/** A number in another unit by one of the listed conversions; undefined when there is none. */
export function convertUnit(amount: number, unit: string, wanted: string): number | undefined {
  const from = unitCode(unit);
  if (from === wanted || unannotated(from) === unannotated(wanted)) return amount;
  const convert = conversions[`${unannotated(from)}>${wanted}`];
  return convert && Number(convert(amount).toPrecision(6));
}

/** The UCUM code of a unit as people write it; what is not listed is a code already. */
export function unitCode(unit: string): string {
  return Object.hasOwn(SPELLINGS, unit) ? SPELLINGS[unit]! : unit;
}

/** What stands in braces says what is counted and has no meaning for the unit, https://ucum.org/ucum#section-Curly-Braces */
function unannotated(code: string): string {
  return code.includes('{') ? code.replace(/\{[^{}]*\}/g, '') || '1' : code;
}

const conversions: Record<string, (value: number) => number> = {
  '[degF]>Cel': (value) => ((value - 32) * 5) / 9,
  'K>Cel': (value) => value - 273.15,
  '1>%': (value) => value * 100,
  'g>kg': (value) => value / 1000,
  '[lb_av]>kg': (value) => value * 0.45359237,
  'm>cm': (value) => value * 100,
  'mm>cm': (value) => value / 10,
  'kPa>mm[Hg]': (value) => value * 7.50061682704,
  'mL/min>L/min': (value) => value / 1000,
  '/s>/min': (value) => value * 60,
  'g/L>mg/dL': (value) => value * 100,
  'mg/L>mg/dL': (value) => value / 10,
};
