/** What the system says by a code when a file, an address or a program is not to be had. */
const meanings: Record<string, { fr: string; en: string }> = {
  EACCES: { fr: 'accès refusé', en: 'no permission' },
  EADDRINUSE: { fr: 'un autre programme l’occupe', en: 'another program uses it' },
  EADDRNOTAVAIL: { fr: 'cette machine n’a pas cette adresse', en: 'this machine does not have that address' },
  ECONNREFUSED: { fr: 'personne n’y écoute', en: 'nobody listens there' },
  ECONNRESET: { fr: 'la connexion a été coupée', en: 'the connection was cut' },
  EEXIST: { fr: 'existe déjà', en: 'it exists already' },
  EHOSTUNREACH: { fr: 'aucun chemin vers cette machine', en: 'no way to that machine' },
  EISDIR: { fr: 'c’est un dossier', en: 'it is a folder' },
  ENOENT: { fr: 'n’existe pas', en: 'it does not exist' },
  ENOSPC: { fr: 'le disque est plein', en: 'the disk is full' },
  ENOTDIR: { fr: 'ce n’est pas un dossier', en: 'it is not a folder' },
  ENOTFOUND: { fr: 'nom de machine inconnu', en: 'no machine of that name' },
  EPERM: { fr: 'accès refusé', en: 'no permission' },
  EROFS: { fr: 'le disque est en lecture seule', en: 'the disk is read-only' },
  ETIMEDOUT: { fr: 'aucune réponse à temps', en: 'no answer in time' },
};

/** `ENOENT` → `ENOENT, it does not exist`; any other text as it is. */
export function withMeaning(text: string, language: 'fr' | 'en'): string {
  const meaning = Object.hasOwn(meanings, text) ? meanings[text] : undefined;
  return meaning ? `${text}, ${meaning[language]}` : text;
}
