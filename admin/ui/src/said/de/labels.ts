import type { Dictionary } from '../strings';

export const labels: Dictionary['labels'] = {
  listNodes: 'Knoten zeigen',
  getReplication: 'Reparatur zeigen',
  resumeRepair: 'Reparatur fortsetzen',
  drainNode: '{0} leeren',
  activateNode: '{0} wieder in Betrieb nehmen',
  maintainNode: 'Wartung von {0}',
  removeNode: '{0} entfernen',
  createToken: 'Maschine hinzufügen',
  changeSettings: 'Schreiben einschalten',
  listAudit: 'Audit-Protokoll zeigen',
  listUsers: 'Benutzer zeigen',
  listCertificates: 'Zertifikate zeigen',
  listEntries: 'Ordner zeigen',
};
