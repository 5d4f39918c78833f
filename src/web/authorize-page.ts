/** One patient of the list, as its professional may see it. */
export interface Choice {
  id: string;
  text: string;
}

/** The page that asks for which patient the program is opened; no script, nothing but this server. */
export function choicePage(name: string | undefined, program: string, choices: Choice[], wrong: boolean): string {
  const options = choices
    .map(({ id, text }) => `<li><button name="patient" value="${escaped(id)}">${escaped(text)}</button></li>`)
    .join('');
  return page(`
<h1>Choisir un patient</h1>
<p>${escaped(name ?? 'Bonjour')}, pour quel patient ouvrir <strong>${escaped(program)}</strong> ?</p>
${wrong ? '<p role="alert">Aucun patient de votre cercle ne porte ce matricule.</p>' : ''}
<form method="post" action="/oauth2/patient">
<p><label>Matricule INS <input name="ins" inputmode="numeric" pattern="[0-9ABab ]{13,20}" autocomplete="off"></label>
<button>Chercher</button></p>
<ul>${options}</ul>
<p><button name="cancel" value="1">Annuler</button></p>
</form>`);
}

/** What went wrong, where the program itself cannot be told. */
export function failurePage(text: string): string {
  return page(`<h1>Connexion impossible</h1><p>${escaped(text)}</p>`);
}

function page(content: string): string {
  return `<!doctype html><html lang="fr"><meta charset="utf-8"><title>Passerelle</title>
<meta name="viewport" content="width=device-width"><main>${content}</main></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
