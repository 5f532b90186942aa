// A real cluster: a process for the nameserver, for each storage server, for
// the gateway and for the admin, each with a folder of its own.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ken = process.env.KEN_BIN ?? join(import.meta.dirname, '../../../../bin/ken');
const call = promisify(execFile);
export const password = 'a horse that is correct';

function freeUDP(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createSocket('udp4').once('error', fail);
    s.bind(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

function freeTCP(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer().once('error', fail);
    s.listen(0, '127.0.0.1', () => {
      const a = s.address();
      s.close(() => (a && typeof a === 'object' ? done(a.port) : fail(new Error('no port'))));
    });
  });
}

export type Status = {
  verdict: string;
  sentence: string;
  can_lose: number;
  used_bytes: number;
  volumes: { volumes: number; bytes: number };
  nodes: { up: number; down: number; draining: number };
  copies: { live: number; target: number; volumes: number; bytes: number }[];
};
export type VolumeRow = { id: string; blocks: number; copies: number; target: number; replicas: { node: string }[] };

export class Cluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'ken-browser-'));
  drive = '';
  admin = '';
  servers: string[] = [];
  private running = new Map<string, ChildProcess>();
  private said = new Map<string, string>();

  // start makes a cluster of that many storage servers and waits until it is protected.
  async start(servers = 4): Promise<void> {
    const [webdav, admin] = [await freeTCP(), await freeTCP()];
    this.drive = `http://127.0.0.1:${webdav}/`;
    this.admin = `http://127.0.0.1:${admin}`;
    await this.ken(['init', '--dir', this.at('ns'), '--roles', 'nameserver', '--name', 'ns', '--listen', `127.0.0.1:${await freeUDP()}`]);
    // Found out and repaired fast enough for a test.
    this.set('ns', 'suspect_after', '"1s"');
    this.set('ns', 'down_after', '"3s"');
    await this.run('ns');
    this.servers = Array.from({ length: servers }, (_, i) => `disk${i + 1}`);
    for (const name of this.servers) await this.join(name, 'datanode');
    await this.join('gate', 'webdav', '--webdav', `127.0.0.1:${webdav}`);
    await this.join('desk', 'admin', '--admin', `127.0.0.1:${admin}`);
    await this.until('the cluster is up', async () => (await this.status()).nodes.up === servers);
  }

  private async join(name: string, role: string, ...more: string[]): Promise<void> {
    const token = (await this.ken(['token', 'create', '--dir', this.at('ns'), '--roles', role])).trim();
    const listen = `127.0.0.1:${await freeUDP()}`;
    await this.ken(['join', '--dir', this.at(name), '--roles', role, '--name', name, '--listen', listen, ...more, token]);
    await this.run(name);
  }

  at(name: string): string {
    return join(this.dir, name);
  }

  private set(name: string, key: string, value: string): void {
    const file = join(this.at(name), 'ken.toml');
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(new RegExp(`^${key} = .*$`, 'm'), `${key} = ${value}`);
    if (changed === text) throw new Error(`ken.toml has no ${key}:\n${text}`);
    writeFileSync(file, changed);
  }

  // run starts a node and waits for its line "ready".
  run(name: string): Promise<void> {
    return new Promise((ready, fail) => {
      const p = spawn(ken, ['run', '--dir', this.at(name)], { stdio: ['ignore', 'pipe', 'pipe'] });
      this.running.set(name, p);
      const hear = (b: Buffer): void => {
        const text = ((this.said.get(name) ?? '') + b.toString()).slice(-20_000);
        this.said.set(name, text);
        if (/^ready$/m.test(text)) ready();
      };
      p.stdout.on('data', hear);
      p.stderr.on('data', hear);
      p.once('exit', (code) => fail(new Error(`${name} ended with ${code}: ${this.said.get(name) ?? ''}`)));
    });
  }

  // kill ends a node as a power cut would, and says when it was gone.
  kill(name: string): Promise<number> {
    const p = this.running.get(name);
    if (!p) throw new Error(`${name} does not run`);
    this.running.delete(name);
    return new Promise((gone) => {
      p.removeAllListeners('exit');
      p.once('exit', () => gone(Date.now()));
      this.said.delete(name);
      p.kill('SIGKILL');
    });
  }

  async ken(args: string[]): Promise<string> {
    const { stdout } = await call(ken, args, { env: { ...process.env, KEN_ADMIN_PASSWORD: password, KEN_PASSWORD: password }, maxBuffer: 16 << 20 });
    return stdout;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.ken(['status', '--dir', this.at('ns'), '-o', 'json'])) as Status;
  }

  async volumes(): Promise<VolumeRow[]> {
    return JSON.parse(await this.ken(['volume', 'list', '--dir', this.at('ns'), '-o', 'json'])) as VolumeRow[];
  }

  async nodeIDs(): Promise<Map<string, string>> {
    const list = JSON.parse(await this.ken(['node', 'list', '--dir', this.at('ns'), '-o', 'json'])) as { id: string; name: string }[];
    return new Map(list.map((n) => [n.name, n.id]));
  }

  // dav asks the gateway as the administrator.
  dav(method: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    return fetch(new URL(encodeURI(path).replace(/^\//, ''), this.drive), { method, body: body ?? null, headers: { authorization, depth: '1' } });
  }

  async until(what: string, ok: () => Promise<boolean>, most = 30_000): Promise<void> {
    for (const end = Date.now() + most; ; ) {
      if (await ok()) return;
      if (Date.now() > end) throw new Error(`not within ${most / 1000} s: ${what}; ${JSON.stringify(await this.status())}`);
      await new Promise((r) => setTimeout(r, 200));
    }
  }

  async stop(): Promise<void> {
    for (const name of [...this.running.keys()]) await this.kill(name);
    rmSync(this.dir, { recursive: true, force: true });
  }

  // tell is what the nodes said, for a test that failed.
  tell(): string {
    return [...this.said].map(([name, text]) => `--- ${name}\n${text.slice(-2000)}`).join('\n');
  }
}
