import type { Schemas } from '../api/client';
import { date } from '../i18n/format';
import { w } from '../model/strings';
import { said } from '../said/render';
import type { Column } from '../ui/grid/types';
import { t } from './strings';

// eventColumns are those of the cluster's log, on the screen and in a file.
export function eventColumns(): Column<Schemas['Event']>[] {
  return [
    { id: 'text', title: t.text, text: (e) => said(e.text, e.text_phrase), width: 260, grow: 3, phone: 'title' },
    { id: 'severity', title: t.severity, text: (e) => w.severity[e.severity], width: 110, phone: 'end' },
    { id: 'time', title: t.time, text: (e) => date(e.time), width: 140, phone: 'meta' },
    { id: 'subject', title: t.subject, text: (e) => e.subject ?? '', width: 130, phone: 'meta' },
    { id: 'code', title: t.code, text: (e) => e.code, width: 170, phone: 'none' },
  ];
}
