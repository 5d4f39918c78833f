/** ADT^A01 for an invented patient known by a local number only. */
export function admission({ number, control }: { number: number; control: string }): string {
  const time = `202611${String(1 + (number % 28)).padStart(2, '0')}101500+0100`;
  return [
    `MSH|^~\\&|GAM|TILLEULS|PASSERELLE|CPTS13|${time}||ADT^A01^ADT_A01|${control}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE-2.11-PAM`,
    `EVN||${time}`,
    `PID|||HAPI-${number}^^^TILLEULS&1.2.250.1.999.2.1&ISO^PI||ESSAI${letters(number)}^ALIX^ALIX^^^^L||19${60 + (number % 30)}0412|F||||||||||ADM-${number}^^^TILLEULS&1.2.250.1.999.2.2&ISO^AN||||||||||||||PROV`,
    `PV1|1|I|PNEUMO3||||||||||||||||SEJ-${number}^^^TILLEULS&1.2.250.1.999.2.3&ISO^VN`,
    `ZBE|MVT-${number}^TILLEULS^1.2.250.1.999.2.4^ISO|${time}||INSERT|N||||HMS`,
    '',
  ].join('\r');
}

/** A name of its own for each number, so that nobody is taken for somebody else. */
function letters(number: number): string {
  return [...String(number)].map((digit) => 'ABCDEFGHIJ'[Number(digit)]).join('');
}
