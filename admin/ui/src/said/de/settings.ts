import type { Dictionary, Some } from '../strings';

export const settings: Dictionary['settings'] = {
  replication: {
    title: 'Kopien jeder Datei',
    description: 'Kopien jeder Datei, deren Ordner nichts anderes sagen. Gilt für alles, was von jetzt an geschrieben wird.',
  },
  grace: {
    title: 'Gelöschtes aufbewahren',
    description: 'Wie lange die Blöcke einer gelöschten Datei bleiben, damit zu Ende lesen kann, wer sie offen hat.',
  },
  read_only: { title: 'Nur lesbar', description: 'Niemand kann etwas schreiben oder löschen. Die Reparatur geht weiter.' },
  repair_bytes_per_second: {
    title: 'Reparaturtempo jedes Speicherservers',
    description: 'Was jeder Speicherserver für Reparaturen holen darf. Weniger lässt den Benutzern mehr und macht Reparaturen länger. 0: was in der ken.toml des Nameservers steht.',
  },
  repair_paused_until: {
    title: 'Reparatur angehalten bis',
    description: 'Bis dahin werden keine Kopien angelegt, höchstens sieben Tage lang. Verlorene Kopien fehlen derweil weiter. 0: die Reparatur geht weiter.',
  },
  suspect_after: {
    title: 'Fraglich nach Stille von',
    description: 'Stille eines Speicherservers, nach der nichts Neues mehr auf ihn kommt. 0: was in der ken.toml des Nameservers steht.',
  },
  down_after: {
    title: 'Ausgefallen nach Stille von',
    description: 'Stille eines Speicherservers, nach der er als ausgefallen gilt und seine Daten anderswohin kopiert werden. Nicht unter suspect_after. 0: was in der ken.toml des Nameservers steht.',
  },
};

export const warnings: Some<'warn'> = {
  'warn.read_only': 'Niemand kann etwas schreiben oder löschen, weder am Laufwerk noch hier, bis es wieder ausgeschaltet ist.',
  'warn.one_copy': 'Neue Dateien haben nur eine Kopie: Mit einer ausgefallenen Platte sind sie verloren.',
  'warn.too_many_copies': '{0} Speicherserver antworten; neue Dateien können keine {1} Kopien haben.',
  'warn.short_silence': 'Schon eine kurze Stille, etwa bei einem Neustart, beginnt Reparaturen.',
  'warn.short_grace': 'Wer gerade eine Datei liest, die jemand löscht, kann mittendrin abgeschnitten werden.',
};
