import { expect, test } from 'vitest';
import { en } from './en';
import { de } from './de';
import { best, fetchCertificate, own, quoted, steps, systems, unc, type Gateway } from './systems';

const gateway = (url: string, more: Partial<Gateway> = {}): Gateway => ({ node: '1', name: 'loft-1', url, tls: url.startsWith('https'), self_signed: false, loopback: false, ...more });
const codes = (...a: Parameters<typeof steps>) => steps(...a).map((s) => s.code ?? '').join('\n');

test('every step of every system has its sentence in both languages', () => {
  for (const system of systems) {
    for (const s of steps(system, gateway('https://h:8443/', { self_signed: true }), 'anna').concat(steps(system, gateway('http://h:8080/'), 'anna'))) {
      expect(en.steps[system][s.say], `${system}.${s.say}`).toBeTruthy();
      expect(de.steps[system]?.[s.say], `${system}.${s.say}`).toBeTruthy();
    }
    expect(en.limits[system].length, system).toBeGreaterThan(0);
    expect(de.limits[system]?.length).toBe(en.limits[system].length);
  }
});

test('Windows writes an address as a share', () => {
  expect(unc('http://192.0.2.7:8080/')).toBe('\\\\192.0.2.7@8080\\DavWWWRoot');
  expect(unc('https://drive.example/')).toBe('\\\\drive.example@SSL@443\\DavWWWRoot');
  expect(unc('http://[2001:db8::7]:8080/')).toBe('\\\\2001-db8--7.ipv6-literal.net@8080\\DavWWWRoot');
});

test('plain HTTP needs what HTTPS does not, a self-signed certificate needs trust', () => {
  expect(codes('windows', gateway('http://h:8080/'), 'anna')).toContain('BasicAuthLevel');
  expect(codes('windows', gateway('https://h:8443/'), 'anna')).not.toContain('BasicAuthLevel');
  expect(codes('macos', gateway('https://h:8443/'), 'anna')).not.toContain('add-trusted-cert');
  expect(codes('macos', gateway('https://h:8443/', { self_signed: true }), 'anna')).toContain('add-trusted-cert');
});

test('the schemes of the file managers', () => {
  expect(codes('gnome', gateway('http://h:8080/'), 'anna b')).toContain('dav://anna%20b@h:8080/');
  expect(codes('kde', gateway('https://h:8443/'), 'anna')).toContain('webdavs://anna@h:8443/');
});

test('a name cannot break out of a command', () => {
  expect(quoted('anna')).toBe('anna');
  expect(quoted("a'; rm -rf /")).toBe(`'a'\\''; rm -rf /'`);
  expect(codes('rclone', gateway('http://h:8080/'), 'a b; reboot')).toContain("user='a b; reboot'");
});

test('an IPv6 address is no pattern of the shell, and a name in an address ends no word', () => {
  const url = 'http://[2001:db8::7]:8080/';
  expect(codes('macos', gateway(url), 'anna')).toContain(`KenDFS '${url}' ~/KenDFS`);
  expect(codes('rclone', gateway(url), 'anna')).toContain(`url='${url}' `);
  expect(codes('davfs2', gateway(url), 'anna')).toContain(`'${url}' /mnt/ken\n`);
  expect(codes('cadaver', gateway(url), 'anna')).toBe(`sudo apt install cadaver\ncadaver '${url}'`);
  expect(fetchCertificate('https://[2001:db8::7]:8443/')).toContain("-connect '[2001:db8::7]:8443' -servername 2001:db8::7 ");
  expect(codes('gnome', gateway('http://h:8080/'), "o'hara")).toContain(`gio mount 'dav://o'\\''hara@h:8080/'`);
  expect(codes('kde', gateway(url), 'anna')).toContain('webdav://anna@[2001:db8::7]:8080/'); // pasted, not typed into a shell
});

test('the certificate is fetched from the gateway', () => {
  expect(fetchCertificate('https://h:8443/')).toContain('-connect h:8443 -servername h ');
});

test('the system that the browser runs on', () => {
  expect(own('Mozilla/5.0 (Windows NT 10.0)')).toBe('windows');
  expect(own('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)')).toBe('ios');
  expect(own('Mozilla/5.0 (X11; Linux x86_64)')).toBe('gnome');
});

test('the best gateway is one that others reach, and encrypted', () => {
  const loop = gateway('https://127.0.0.1:8443/', { loopback: true });
  const plain = gateway('http://h:8080/');
  const safe = gateway('https://h:8443/', { self_signed: true });
  expect(best([loop, plain, safe])).toBe(safe);
  expect(best([loop])).toBe(loop);
  expect(best([])).toBeUndefined();
});

test('each command names this cluster’s address, and none another one', () => {
  const all = systems.filter((x) => !['ken'].includes(x)).map((x) => [x, codes(x, gateway('https://drive.example:9443/'), 'anna')] as const);
  for (const [system, text] of all) expect(text, system).toMatch(system === 'windows' ? /drive\.example@SSL@9443/ : /drive\.example:9443/);
  for (const [system, text] of all) expect(text, system).not.toMatch(/localhost|127\.0\.0\.1|undefined/);
});

test('with ken itself there is no gateway in it', () => {
  expect(codes('ken', gateway('https://drive.example:9443/'), 'anna')).not.toContain('drive.example');
});
