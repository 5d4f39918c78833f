import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inside } from './run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('in French all of it is French', () => {
  const english = /\b(the|is|must|has|an|of|not|and|Setting|Usage:|Help:|expected|unknown)\b(?!=)/i;

  test.each([
    [['strat'], 'Commande inconnue : strat.'],
    [['token', '--client'], 'Une option attend une valeur : --client ID.'],
    [['messages', '--json=1'], 'Une option ne prend pas de valeur : --json.'],
    [['messages', '--last'], 'Option inconnue : last.'],
    [['message'], 'Un argument manque.\nUsage : npx passerelle message ID'],
    [['message', 'a', 'b'], 'Un argument de trop : b.'],
    [['convert', 'x.csv'], '(ENOENT, n’existe pas)'],
    [['messages'], 'Il n’y a pas encore de journal dans'],
  ])('%j', async (args, text) => {
    const { err } = await inside([...args, '--lang', 'fr'], { PASSERELLE_DATA: join(folder, 'nowhere') }, folder);
    expect(err).toContain(text);
    for (const line of err.split('\n').filter((one) => !/^(Usage|Aide) :/.test(one))) expect(line).not.toMatch(english);
  });

  test('the faults of a configuration, each kind of them', async () => {
    const file = join(folder, 'french.json');
    const settings = {
      http: { listen: '127.0.0.1:99999', bogus: 1 },
      log: { level: 'loud' },
      timezone: 'Mars',
      journal: 'mysql',
      limits: { workers: 'many', entries: 0 },
      doors: [
        { name: 'A', type: 'mllp' },
        { name: 'b' },
        { name: 'c', type: 'pigeon' },
        { name: 'd', type: 'mllp', tls: { cert: 'x' } },
      ],
      access: { trusted: [{ issuer: 'x' }] },
    };
    await writeFile(file, JSON.stringify(settings));
    const { code, err } = await inside(['check', '--config', file, '--lang', 'fr'], { PASSERELLE_HTPP: 'x' });
    expect(code).toBe(2);
    const lines = err.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(9);
    for (const line of lines) {
      expect(line).toMatch(/^(erreur|avertissement) [a-z-]+ : Réglage /);
      expect(line).not.toMatch(english);
    }
    const json = JSON.parse((await inside(['check', '--json', '--config', file, '--lang', 'fr'])).out);
    expect(json.faults[0]).toMatchObject({ code: 'config-invalid', text: expect.stringMatching(/^Réglage /) });
    for (const one of json.faults) expect(typeof one.params.problem).not.toBe('object');
  });

  test('what convert refuses, on both streams', async () => {
    const file = join(folder, 'empty.json');
    await writeFile(file, '{"measures": 3}');
    const args = ['convert', file, '--route', 'telemonitoring-covidom', '--lang', 'fr'];
    const { code, out, err } = await inside(args);
    expect(code).toBe(1);
    expect(err).toMatch(/^erreur payload-invalid \[\/\w+\] : Le contenu .* : « \w+ » manque/m);
    expect(err).toContain(': attendu un objet');
    for (const one of JSON.parse(out).issue) expect(one.details.text).toMatch(/^Le contenu /);
    for (const line of err.split('\n')) expect(line).not.toMatch(english);
  });

  test('what validate found', async () => {
    const file = join(folder, 'none.json');
    await writeFile(file, '{');
    const { out } = await inside(['validate', file, '--lang', 'fr']);
    expect(out).toMatch(/: erreur \$this: Le contenu .*\(ligne 1, colonne 2\)/);
    expect(out).toContain('1 ressources, 0 valides, 1 non valides\n');
  });
});
