// What each role may do, told from the same table by which the server refuses.
import { operations } from '../../api/roles';
import type { Schemas } from '../../api/client';
import type { Messages } from './en';

export type Role = Schemas['Role'];
export type Operation = keyof typeof operations;
type Act = keyof Messages['acts'];

export const roles: readonly Role[] = ['viewer', 'reader', 'writer', 'operator', 'admin'];

// groups puts each operation of the API under what a person calls it.
export const groups: readonly { act: Act; operations: readonly Operation[] }[] = [
  { act: 'own', operations: ['signOut', 'confirmPassword', 'listSessions', 'endSession', 'getDesktop', 'putDesktop', 'changeOwnPassword'] },
  {
    act: 'state',
    operations: [
      'getHealth', 'getCatalogue', 'getConnect', 'queryMetrics', 'live', 'listNodes', 'getNode', 'safeToStop', 'impactOfNodes', 'heatOfNodes', 'getReplication', 'listVolumes',
      'getVolume', 'listTasks', 'listEvents', 'listSettings', 'listSettingChanges', 'listCertificates',
    ],
  },
  { act: 'names', operations: ['listEntries', 'indexEntries', 'statEntry', 'listBlocks', 'searchEntries'] },
  { act: 'read', operations: ['readContent', 'readArchive'] },
  { act: 'write', operations: ['makeDirectory', 'moveEntry', 'copyEntry', 'deleteEntries', 'beginUpload', 'getUpload', 'continueUpload', 'cancelUpload'] },
  { act: 'mute', operations: ['muteCheck', 'unmuteCheck'] },
  { act: 'nodes', operations: ['changeNode', 'zoneNode', 'drainNode', 'activateNode', 'maintainNode'] },
  { act: 'repair', operations: ['limitRepair', 'pauseRepair', 'resumeRepair', 'prioritiseVolume'] },
  { act: 'quota', operations: ['changeAttributes'] },
  { act: 'settings', operations: ['changeSettings'] },
  { act: 'users', operations: ['listUsers', 'createUser', 'changeUser', 'listTokens', 'deleteToken'] },
  { act: 'audit', operations: ['listAudit'] },
  { act: 'destroy', operations: ['setPassword', 'deleteUser', 'removeNode', 'createToken'] },
];

// open are the operations that nobody must sign in for.
export const open: readonly Operation[] = ['getSession', 'signIn', 'setUp'];

export type Line = { act: Act; least: Role; sudo: boolean };

// lines is the matrix: for each act the least role that may do all of it.
export function lines(): Line[] {
  return groups.map(({ act, operations: ids }) => ({
    act,
    least: roles[Math.max(...ids.map((id) => roles.indexOf(operations[id].role as Role)))] ?? 'admin',
    sudo: ids.some((id) => operations[id].sudo),
  }));
}

export function may(role: Role, line: Line): boolean {
  return roles.indexOf(role) >= roles.indexOf(line.least);
}
