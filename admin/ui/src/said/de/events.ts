import type { Some } from '../strings';

// What has happened, in the log of the cluster and of the demonstration.
export const events: Some<'event' | 'demo'> = {
  'event.down': '{0} ({1}) ist ausgefallen: Er antwortet nicht mehr.',
  'event.back': '{0} ({1}) ist wieder da, nach {2}.',
  'event.empty': '{0} ({1}) ist leer und kann entfernt werden.',
  'event.disk_failed': 'Eine Platte von {0} ({1}) ist ausgefallen: {2}: {3}',
  'event.disk_back': 'Eine Platte von {0} ({1}) ist wieder in Betrieb: {2}',
  'event.verdict': '{0}. {1}',
  'event.repair_began': 'Kopien werden angelegt: {0} {0|Volume|Volumes} ({1}) {0|hat|haben} eine zu wenig.',
  'event.repaired_alone': 'Die Reparatur ist vorbei: Die fehlenden Kopien kamen von selbst wieder.',
  'event.repaired_after': 'Die Reparatur ist vorbei, nach {0}.',
  'event.repaired': 'Die Reparatur ist vorbei: {0} {0|Kopie|Kopien} ({1}) in {2}.',
  'event.joined': '{0} ({1}) ist beigetreten als {2}.',
  'event.emptied': '{0} ({1}) wird geleert.',
  'event.maintenance': '{0} ({1}) ist bis auf Weiteres in Wartung.',
  'event.maintenance_until': '{0} ({1}) ist in Wartung bis {2}.',
  'event.removed': '{0} ({1}) wurde entfernt.',
  'event.used': '{0} ({1}) ist wieder in Betrieb.',
  'event.no_zone': '{0} ({1}) liegt jetzt in keiner Zone.',
  'event.zone': '{0} ({1}) liegt jetzt in der Zone {2}.',

  'demo.one_copy': '{0} {0|Volume hatte|Volumes hatten} {1} lang nur eine lebende Kopie.',
  'demo.down': '{0} war {1} lang still und gilt als ausgefallen.',
  'demo.up': '{0} antwortet wieder.',
  'demo.well': 'Alle Daten haben alle Kopien.',
  'demo.scrubbed': '{0} hat alle seine Blöcke wieder gelesen und keinen Schaden gefunden.',
  'demo.renewed': '{0} hat ein neues Zertifikat.',
  'demo.repaired': 'Ein Volume hat wieder alle Kopien, eine davon auf {0}.',
};
