/**
 * The same text in memory of its own, for whoever remembers it: what was cut out of a document keeps the whole document alive.
 * It is the string engines keep for properties, where equal ones are one: comparing it with a name in the code compares no
 * letters.
 */
export function keptText(text: string): string {
  for (const key in { [text]: true }) return key;
  return text;
}
