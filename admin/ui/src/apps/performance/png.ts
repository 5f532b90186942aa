// A chart as a picture, with its title and the names of its lines: what is pasted
// into a report must say by itself what it shows.

export type Entry = { name: string; colour: string; dash: boolean };
export type Sheet = {
  title: string;
  // sub says which time is shown
  sub: string;
  entries: readonly Entry[];
  // rows are the names beside a drawing that is made of rows
  rows?: readonly string[];
  drawing: HTMLCanvasElement;
  paper: string;
  ink: string;
  soft: string;
  font: string;
  // ratio is the device pixels of the drawing for one of CSS
  ratio: number;
};

const pad = 16;
const mark = 18;
const gap = 16;
const rowHeight = 20;
const namesMost = 160;

export type Placed = { x: number; row: number };

// places wraps the entries of a legend into rows, by their widths.
export function places(widths: readonly number[], room: number): Placed[] {
  let [x, row] = [0, 0];
  return widths.map((w) => {
    if (x > 0 && x + w > room) [x, row] = [0, row + 1];
    const at = { x, row };
    x += w + gap;
    return at;
  });
}

// draw puts all of it on a new canvas.
export function draw(s: Sheet): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const measure = canvas.getContext('2d') as CanvasRenderingContext2D;
  const text = (size: number, weight = 400): string => `${weight} ${size}px ${s.font}`;
  measure.font = text(12);
  const names = s.rows?.length ? Math.min(namesMost, Math.max(...s.rows.map((r) => measure.measureText(r).width)) + 8) : 0;
  const width = s.drawing.width / s.ratio + names;
  const placed = places(
    s.entries.map((e) => mark + 6 + measure.measureText(e.name).width),
    width,
  );
  const rows = placed.length ? (placed.at(-1) as Placed).row + 1 : 0;
  const top = pad + 42 + rows * rowHeight;
  canvas.width = Math.round((width + 2 * pad) * s.ratio);
  canvas.height = Math.round((top + s.drawing.height / s.ratio + pad) * s.ratio);
  const c = canvas.getContext('2d') as CanvasRenderingContext2D;
  c.fillStyle = s.paper;
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.drawImage(s.drawing, Math.round((pad + names) * s.ratio), Math.round(top * s.ratio));
  c.scale(s.ratio, s.ratio);
  c.textBaseline = 'middle';
  c.fillStyle = s.ink;
  c.font = text(15, 600);
  c.fillText(s.title, pad, pad + 8, width);
  c.fillStyle = s.soft;
  c.font = text(12);
  c.fillText(s.sub, pad, pad + 28, width);
  c.fillStyle = s.ink;
  const each = s.drawing.height / s.ratio / (s.rows?.length ?? 1);
  s.rows?.forEach((r, i) => c.fillText(r, pad, top + (i + 0.5) * each, names - 8));
  s.entries.forEach((e, i) => {
    const { x, row } = placed[i] as Placed;
    const y = pad + 42 + row * rowHeight + rowHeight / 2;
    c.strokeStyle = e.colour;
    c.lineWidth = 3;
    c.setLineDash(e.dash ? [5, 2] : []);
    c.beginPath();
    c.moveTo(pad + x, y);
    c.lineTo(pad + x + mark, y);
    c.stroke();
    c.fillStyle = s.ink;
    c.fillText(e.name, pad + x + mark + 6, y, width - x - mark);
  });
  return canvas;
}

// png is the sheet as a file.
export function png(s: Sheet): Promise<Blob> {
  return new Promise((resolve, reject) => {
    draw(s).toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large'))), 'image/png');
  });
}
